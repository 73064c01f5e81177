import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IdentityMap } from "./identityMap.ts";
import { createRewriter, type Ids } from "./rewrite.ts";

const open = (options: { now?: () => number; pairsMax?: number } = {}): IdentityMap =>
  new IdentityMap({ now: () => 0, ...options });

test("shadow M4: one id has one partner, on both sides", () => {
  const map = open();
  assert.equal(map.learn("ann", "c1", "k1", "learnt"), "new");
  assert.equal(map.learn("ann", "c1", "k1", "learnt"), "known");
  assert.equal(map.learn("ann", "c1", "k2", "learnt"), "conflict");
  assert.equal(map.learn("ann", "c2", "k1", "learnt"), "conflict");
  assert.equal(map.idOn("candidate", "ann", "c1"), "k1");
  assert.equal(map.idOn("control", "ann", "k1"), "c1");
  assert.equal(map.idOn("candidate", "ann", "c2"), null);
});

test("shadow M5: a group knows best, the campaign knows too", () => {
  const map = open();
  map.learn("ann", "c1", "k1", "learnt");
  assert.equal(map.idOn("candidate", "bob", "c1"), "k1");
});

test("shadow M5: pairs are bounded and expire, and leave nothing behind", () => {
  let now = 1;
  const map = open({ now: () => now, pairsMax: 10 });
  for (let n = 0; n < 25; n++) map.learn("ann", `c${n}`, `k${n}`, "learnt");
  assert.equal(map.size, 10);
  assert.equal(map.idOn("candidate", "ann", "c0"), null);
  assert.equal(map.learn("ann", "c0", "other", "learnt"), "new");
  now += 25 * 3_600_000;
  assert.equal(map.idOn("candidate", "ann", "c24"), null);
  assert.equal(map.idOn("control", "bob", "k24"), null);
});

test("shadow M5: what a limit ends is counted", () => {
  let now = 1;
  const map = new IdentityMap({ now: () => now, pairsMax: 10, mintedMax: 2 });
  for (let n = 0; n < 25; n++) map.learn("ann", `c${n}`, `k${n}`, "learnt");
  assert.equal(map.dropped, 15);
  now += 25 * 3_600_000;
  for (let n = 15; n < 25; n++) assert.equal(map.idOn("candidate", "ann", `c${n}`), null);
  assert.equal(map.dropped, 25);
  for (const id of ["m1", "m2", "m3"]) map.noteMinted("ann", id);
  map.learn("ann", "m2", "n2", "learnt");
  assert.equal(map.mintedDropped, 1);
});

test("shadow M3: an id that was just made is awaited until its partner is known, or it needs none", () => {
  const map = open();
  map.noteMinted("ann", "c1");
  map.noteMinted("ann", "c2");
  assert.ok(map.isAwaited("ann", "c1") && !map.isAwaited("bob", "c1"));
  map.learn("ann", "c1", "k1", "learnt");
  map.noteEqual("ann", "c2");
  assert.ok(!map.isAwaited("ann", "c1") && !map.isAwaited("ann", "c2"));
});

test("shadow M4: a pair is tentative until a rewritten call fared alike", () => {
  const map = open();
  map.learn("ann", "c1", "k1", "learnt");
  map.learn("ann", "c2", "k2", "declared");
  assert.ok(map.isTentative("ann", "c1", "control") && !map.isTentative("ann", "c2", "control"));
  map.confirm("ann", "control", ["c1"]);
  assert.ok(!map.isTentative("ann", "k1", "candidate"));
});

const ids: Ids = {
  nameOf: (id) => (/^c\d+$/.test(id) ? id.replace("c", "k") : null),
  isAwaited: (id) => id === "new",
};

test("shadow M2: whole segments, values and texts, and declared templates; nothing inside other text", () => {
  const rewriter = createRewriter(ids, ["mcq-{id}-text"]);
  assert.deepEqual(rewriter.target("/a/c1/c1x?s=c2&c3=x&t=a%20b&u=new"), {
    value: "/a/k1/c1x?s=k2&c3=x&t=a%20b&u=new",
    used: ["c1", "c2"],
    awaited: ["new"],
  });
  const body = '{ "id":"c1", "c1":"about c1", "n":1.50, "list":["c2","\\u0063\\u0033"], "at":"mcq-c4-text" }';
  assert.equal(
    rewriter.json(body).value,
    '{ "id":"k1", "c1":"about c1", "n":1.50, "list":["k2","k3"], "at":"mcq-k4-text" }',
  );
  assert.equal(rewriter.text("c9").value, "k9");
});

test("nothing is changed inside of what is no JSON, however long it takes no time", () => {
  const rewriter = createRewriter(ids);
  for (const text of ['say "c1" please', '{"a":"c1"', `"${'\\"'.repeat(200_000)}`])
    assert.equal(rewriter.json(text).value, text);
  const long = JSON.stringify(["x".repeat(12_000_000), "c1"]);
  assert.ok(rewriter.json(long).value.endsWith('"k1"]'));
});

test("what holds no id comes back byte for byte", () => {
  const none = createRewriter({ nameOf: () => null, isAwaited: () => false }, ["x-{id}"]);
  fc.assert(
    fc.property(fc.json(), fc.webPath(), fc.webQueryParameters(), fc.string(), (json, path, query, text) => {
      assert.equal(none.json(json).value, json);
      assert.equal(none.json(text).value, text);
      assert.equal(none.target(`${path}?${query}`).value, `${path}?${query}`);
    }),
  );
});

test("every text of a JSON body is rewritten, and no key", () => {
  const other = createRewriter({ nameOf: (id) => `${id}!`, isAwaited: () => false });
  const rename = (value: unknown): unknown => {
    if (typeof value === "string") return `${value}!`;
    if (Array.isArray(value)) return value.map(rename);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rename(item)] as const));
  };
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      assert.deepEqual(JSON.parse(other.json(JSON.stringify(value)).value), rename(JSON.parse(JSON.stringify(value))));
    }),
  );
});
