import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as ws from "ws";
import { serverFrame, SMALL_MESSAGE_BYTES } from "./serverFrame.ts";

// The library's own framing is the oracle; it is exported and not in its types.
const { Sender } = ws as unknown as {
  Sender: { frame(data: Buffer, options: Record<string, unknown>): Buffer[] };
};
const framed = (data: Buffer, isBinary: boolean): Buffer =>
  Buffer.concat(Sender.frame(data, { fin: true, rsv1: false, opcode: isBinary ? 2 : 1, mask: false, readOnly: true }));

test("a message is framed as the library frames it, at every length around the edges and in between", () => {
  const length = fc.oneof(
    fc.constantFrom(0, 1, 125, 126, 127, SMALL_MESSAGE_BYTES - 1, SMALL_MESSAGE_BYTES),
    fc.integer({ min: 0, max: SMALL_MESSAGE_BYTES }),
  );
  fc.assert(
    fc.property(length, fc.boolean(), fc.integer({ min: 0, max: 255 }), (bytes, isBinary, fill) => {
      const data = Buffer.alloc(bytes, fill);
      assert.deepEqual(serverFrame(data, isBinary), framed(data, isBinary));
    }),
  );
});
