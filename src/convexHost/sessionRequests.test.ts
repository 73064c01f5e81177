import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutText } from "./sessionRequests.ts";

test("a text is cut into parts within the limit that join to it again, and never through a character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), fc.integer({ min: 2, max: 9 }), (text, charsMax) => {
      const parts = cutText(text, charsMax);
      assert.equal(parts.join(""), text);
      for (const part of parts) {
        assert.ok(part.length > 0 && part.length <= charsMax);
        assert.ok(part.isWellFormed());
      }
    }),
  );
});
