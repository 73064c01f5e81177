import assert from "node:assert/strict";
import { test } from "node:test";
import { whiteboardDocument } from "./whiteboardDocument.ts";

test("entries that expire within ten seconds of now are left out, those without a time stay", () => {
  const entry = (expiresAt?: unknown) => ({ kind: "pointer_ping", metadata: { expiresAt } });
  const ephemeral = {
    gone: entry(89_000),
    now: entry(109_999),
    later: entry(110_001),
    never: entry(),
    odd: entry("1"),
    bare: 5,
  };
  const objects = { a: { kind: "rect", metadata: { expiresAt: 1 } } };
  const visible = whiteboardDocument.visible?.({ objects, ephemeral } as never, 100_000);
  assert.deepEqual(Object.keys(visible?.["ephemeral"] as object), ["later", "never", "odd", "bare"]);
  assert.deepEqual(visible?.["objects"], objects);
  assert.deepEqual(whiteboardDocument.visible?.({}, 0), {});
});

test("a time with a fraction is a time; what is no number never comes", () => {
  class Decimal {
    readonly text: string;
    constructor(text: string) {
      this.text = text;
    }
  }
  const entry = (text: string) => ({ metadata: { expiresAt: new Decimal(text) } });
  const ephemeral = { gone: entry("109999.5"), later: entry("110000.5"), none: entry("NaN") };
  const visible = whiteboardDocument.visible?.({ objects: {}, ephemeral }, 100_000);
  assert.deepEqual(Object.keys(visible?.["ephemeral"] as object), ["later", "none"]);
});

test("every binary frame is an update, nothing else is", () => {
  const data = Uint8Array.of(0, 0);
  assert.equal(whiteboardDocument.updateOf({ isBinary: true, data }), data);
  assert.equal(whiteboardDocument.updateOf({ isBinary: false, data }), null);
});
