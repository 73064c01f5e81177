import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { asBase64, embed, fnv1a32 } from "./embed.ts";

const cosine = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);

test("FNV-1a gives the published values", () => {
  assert.deepEqual(["", "a", "foobar"].map(fnv1a32), [0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
});

test("a word lands in its bucket with the sign of bit 31", () => {
  const vector = embed("foobar", 256);
  const bucket = 0xbf9cf968 % 256;
  assert.equal(vector[bucket], -1);
  assert.equal(vector.filter((x) => x !== 0).length, 1);
});

test("vectors have length one, six decimals and the asked dimensions; empty texts are all zeros", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.integer({ min: 1, max: 600 }), (text, dimensions) => {
      const vector = embed(text, dimensions);
      assert.equal(vector.length, dimensions);
      const norm = Math.sqrt(cosine(vector, vector));
      assert.ok(norm === 0 || Math.abs(norm - 1) < 1e-4, String(norm));
      assert.ok(vector.every((x) => x === Number(x.toFixed(6))));
    }),
  );
  assert.ok(embed("!?", 8).every((x) => x === 0));
});

test("texts with common words are nearer than texts without, and case does not matter", () => {
  const question = embed("how do plants make energy", 256);
  assert.ok(
    cosine(question, embed("Plants make ENERGY from light", 256)) >
      cosine(question, embed("the French revolution", 256)),
  );
  assert.deepEqual(embed("Plants", 256), embed("pLANTS", 256));
});

test("base64 is little-endian 32-bit floats", () => {
  assert.equal(asBase64([1, -0.5]), Buffer.from(new Float32Array([1, -0.5]).buffer).toString("base64"));
});
