// R3, R4, R16–R18.
import { api } from "../../../convex/_generated/api.js";
import type { BearerHandler } from "../http/app.ts";
import { json, param } from "../http/call.ts";
import { notFound } from "../http/errors.ts";
import * as shapes from "../http/shapes.ts";
import { readBody, required, text } from "../http/fields.ts";
import type { Services } from "../services.ts";
import { actor, asOf, mintedIds, write } from "./access.ts";

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
      const reply = await write(
        services,
        call,
        identity,
        api.folders.create,
        () => ({ ...mintedIds(services, call, sub, "folder"), name }),
        "Folder",
      );
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
      return write(services, call, identity, api.folders.rename, () => ({ id, name }), "Folder");
    },
    async R18(call, { sub }) {
      const id = param(call, "folder_id");
      const identity = await actor(services, call, sub);
      if (!(await store.query(api.folders.get, { id }, identity))) throw notFound("Folder");
      return write(services, call, identity, api.folders.remove, () => ({ id }), "Folder");
    },
  };
}
