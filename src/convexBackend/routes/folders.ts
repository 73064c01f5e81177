// R3, R4, R16–R18.
import { api } from "../../../convex/_generated/api.js";
import type { BearerHandler } from "../http/routedCall.ts";
import { json, param } from "../http/call.ts";
import { notFound } from "../http/errors.ts";
import * as shapes from "../http/shapes.ts";
import { readBody, required, text } from "../http/fields.ts";
import type { Services } from "../services.ts";
import { actor, asOf, mintedIds } from "./access.ts";
import { write } from "./write.ts";

const folderBody = { name: required(text({ min: 1, max: 100 })) };

export function folderRoutes(services: Services): Record<string, BearerHandler> {
  const { store, faults } = services;
  /** The fault `leak-field` shows what the contract hides. */
  const shown = (call: Parameters<BearerHandler>[0], folder: object, knowledgeBase: string | null): object =>
    faults.fire("leak-field", call.at) ? { ...folder, knowledge_base: knowledgeBase } : folder;

  return {
    async R3(call, { sub }) {
      const { name } = readBody(folderBody, call.body);
      const identity = await actor(services, call, sub);
      const args = () => ({ ...mintedIds(services, call, sub, "folder"), name });
      const reply = await write(services, call, identity, { reference: api.folders.create, args, what: "Folder" });
      if (!faults.isOn("leak-field", call.at) || typeof reply.body !== "string") return reply;
      return { ...reply, body: JSON.stringify(shown(call, JSON.parse(reply.body) as object, null)) };
    },
    async R4(call, { sub }) {
      const rows = await store.query(api.folders.list, asOf(services, call), await actor(services, call, sub));
      return json(200, { folders: rows.map((row) => shown(call, shapes.folder(row.folder), row.knowledgeBase)) });
    },
    async R16(call, { sub }) {
      const id = param(call, "folder_id");
      const found = await store.query(
        api.folders.get,
        { id, ...asOf(services, call) },
        await actor(services, call, sub),
      );
      if (!found) throw notFound("Folder");
      return json(200, shown(call, shapes.folderWithCounts(found.folder), found.knowledgeBase));
    },
    async R17(call, { sub }) {
      const id = param(call, "folder_id");
      const identity = await actor(services, call, sub);
      if (!(await store.query(api.folders.get, { id }, identity))) throw notFound("Folder");
      const { name } = readBody(folderBody, call.body);
      const args = () => ({ id, name });
      return write(services, call, identity, { reference: api.folders.rename, args, what: "Folder" });
    },
    async R18(call, { sub }) {
      const id = param(call, "folder_id");
      const identity = await actor(services, call, sub);
      if (!(await store.query(api.folders.get, { id }, identity))) throw notFound("Folder");
      return write(services, call, identity, { reference: api.folders.remove, args: () => ({ id }), what: "Folder" });
    },
  };
}
