import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createManualClock } from "../../kernel/index.ts";
import { IdleMap } from "./idleMap.ts";

const IDLE_MS = 10_000;

function open(max = 100) {
  const clock = createManualClock();
  const forgotten: string[] = [];
  const map = new IdleMap<string>({
    max,
    idleMs: IDLE_MS,
    now: () => clock.monotonic(),
    onForget: (value) => forgotten.push(value),
  });
  return { clock, forgotten, map };
}

test("whoever is asked for stays, the others are forgotten in their order", () => {
  const { clock, forgotten, map } = open();
  for (const name of ["a", "b", "c"]) map.set(name, name);
  clock.advance(IDLE_MS);
  assert.equal(map.get("b"), "b");
  assert.equal(map.peek("a"), "a", "a look is no use");
  clock.advance(1);
  assert.equal(map.get("a"), undefined);
  map.expire();
  assert.deepEqual(forgotten, ["a", "c"]);
  assert.deepEqual([...map.values()], ["b"]);
});

test("of too many the one that nobody asked for the longest goes", () => {
  const { clock, forgotten, map } = open(2);
  map.set("a", "a");
  map.set("b", "b");
  clock.advance(2_000);
  map.get("a");
  map.set("c", "c");
  assert.deepEqual(forgotten, ["b"]);
});

test("whatever is done, each entry is forgotten once, and after an expiry only the young are left", () => {
  const step = fc.record({ do: fc.constantFrom("set", "get", "delete", "pass"), name: fc.nat(9), ms: fc.nat(6_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, forgotten, map } = open(5);
      const seen = new Map<string, number>();
      let made = 0;
      for (const { do: what, name: nr, ms } of steps) {
        const name = `n${nr}`;
        if (what === "set") {
          map.set(name, `${name} ${made++}`);
          seen.set(name, clock.monotonic());
        } else if (what === "get" && map.get(name) !== undefined) seen.set(name, clock.monotonic());
        else if (what === "delete") map.delete(name);
        else if (what === "pass") clock.advance(ms);
        assert.ok(map.size <= 5);
      }
      map.expire();
      for (const value of map.values()) {
        const atMs = seen.get(value.split(" ")[0] as string) ?? Number.NEGATIVE_INFINITY;
        assert.ok(clock.monotonic() - atMs <= IDLE_MS);
      }
      assert.equal(new Set(forgotten).size, forgotten.length);
      assert.equal(forgotten.length + map.size, made);
    }),
  );
});
