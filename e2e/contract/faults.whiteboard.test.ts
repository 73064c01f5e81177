import assert from "node:assert/strict";
import * as Y from "yjs";
import { eventually, type Json } from "../support/index.ts";
import { AT_ARM, item, match, updateOf, type Context } from "./harness/index.ts";

const VALUE = { kind: "rect", metadata: { source: "user" } };

/** A sender whose socket carries the fault, a healthy peer read as raw frames, and the stored state. */
async function room(c: Context, fault: string) {
  const user = c.user();
  const session = await c.session(user);
  const headers = { Authorization: `Bearer ${user.token}` };
  const peer = await c.open(c.boardPath(session), { headers });
  assert.deepEqual([...(await peer.next()).data], [0, 0]);
  const sender = await c.open(c.boardPath(session), { headers: { ...headers, "x-fault": fault } });
  assert.deepEqual([...(await sender.next()).data], [0, 0]);
  const stored = async (): Promise<Json> => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, (await c.get(`/api/v1/sessions/${session}/whiteboard_snapshot`, user)).body);
    return doc.getMap("objects").toJSON();
  };
  const update = Buffer.from(updateOf((doc) => doc.getMap("objects").set("a", VALUE)));
  return { peer, sender, stored, update };
}

item(
  "faults §2",
  "lost-yjs-update: applied and stored, not relayed",
  async (c) => {
    const { peer, sender, stored, update } = await room(c, "lost-yjs-update");
    sender.sendBinary(update);
    await eventually(async () => match(await stored(), { a: VALUE }));
    assert.equal(peer.pending(), 0);
  },
  AT_ARM,
);

item(
  "faults §2",
  "unsaved-yjs-update: relayed, not applied or stored",
  async (c) => {
    const { peer, sender, stored, update } = await room(c, "unsaved-yjs-update");
    sender.sendBinary(update);
    assert.ok((await peer.next()).data.equals(update));
    match(await stored(), {});
  },
  AT_ARM,
);

item(
  "faults §2",
  "corrupt-yjs: one byte of the relayed update is flipped",
  async (c) => {
    const { peer, sender, update } = await room(c, "corrupt-yjs");
    sender.sendBinary(update);
    const { data } = await peer.next();
    assert.equal(data.length, update.length);
    assert.equal([...data].filter((byte, i) => byte !== update[i]).length, 1);
  },
  AT_ARM,
);

item(
  "faults §2",
  "echo-yjs: the sender gets its own update back",
  async (c) => {
    const { peer, sender, update } = await room(c, "echo-yjs");
    sender.sendBinary(update);
    assert.ok((await sender.next()).data.equals(update));
    assert.ok((await peer.next()).data.equals(update));
  },
  AT_ARM,
);

item(
  "faults §2",
  "a fault of a whiteboard socket with a scope of the tutor does nothing",
  async (c) => {
    const { peer, sender, stored, update } = await room(c, "drop-frame@tutor,drop-inbound@tutor");
    sender.sendBinary(update);
    assert.ok((await peer.next()).data.equals(update));
    await eventually(async () => match(await stored(), { a: VALUE }));
  },
  AT_ARM,
);
