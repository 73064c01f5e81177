import assert from "node:assert/strict";
import { explanation, item, match } from "./harness/index.ts";

item(
  "G12",
  "a peer that answers no protocol ping is closed 1011 `keepalive ping timeout`",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const watch = async (path: string): Promise<void> => {
      const socket = await c.open(path, { headers: { Authorization: `Bearer ${user.token}` }, autoPong: false });
      let pings = 0;
      socket.socket.on("ping", () => pings++);
      const closed = await socket.closed(60_000);
      assert.ok(pings >= 1, "the server pings");
      // The close frame of a server that gave the peer up may be lost with the connection (RFC 6455 §7.1.5).
      assert.ok(closed.code === 1011 || closed.code === 1006, JSON.stringify(closed));
      if (closed.code === 1011) assert.equal(closed.reason, "keepalive ping timeout");
    };
    await Promise.all([watch(c.tutorPath(session)), watch(c.boardPath(session))]);
  },
  { on: "arms", timeoutMs: 70_000 },
);

item(
  "G12",
  "a peer that answers pings stays connected",
  async (c) => {
    const user = c.user();
    const tutor = await c.tutor(user, await c.session(user));
    let pings = 0;
    await new Promise<void>((resolve) => {
      tutor.socket.on("ping", () => {
        pings += 1;
        if (pings === 2) resolve();
      });
    });
    match(await tutor.say("still here"), explanation());
  },
  { timeoutMs: 70_000 },
);
