import assert from "node:assert/strict";
import * as Y from "yjs";
import type { Json } from "../support/index.ts";
import { AT_STORE, changes, item } from "./harness/index.ts";

item(
  "rest §7",
  "a user's own page holds what their open boards have shown, before it would have been stored by itself",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const [one, two] = [await c.board(user, session), await c.board(user, session)];
    for (const name of ["a", "b", "c", "d"]) {
      one.put(name, { metadata: { source: "user" } });
      await two.until(() => assert.ok(two.objects.has(name)));
      const page = await changes(c, `after=0&user_id=${user.sub}`);
      const board = page.changes.find(({ kind }: Json) => kind === "yjs_snapshots");
      const doc = new Y.Doc();
      if (board) Y.applyUpdate(doc, Buffer.from(board.data.state, "base64"));
      assert.ok(doc.getMap("objects").has(name), `the page lacks ${name}`);
    }
  },
  AT_STORE,
);
