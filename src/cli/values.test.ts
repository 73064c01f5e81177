import assert from "node:assert/strict";
import { test } from "node:test";
import { age, count, milliseconds, rate, share, table } from "./format.ts";
import { parseAdminUrl, parseDuration, parsePercent } from "./values.ts";

test("a duration carries its unit", () => {
  assert.deepEqual(["30s", "10m", "2h", "7d"].map(parseDuration), [30_000, 600_000, 7_200_000, 604_800_000]);
  for (const bad of ["", "2", "h", "2 h", "-2h", "1.5h", "2H", "2h5m"])
    assert.throws(() => parseDuration(bad), /unit/, bad);
});

test("a percentage has at most one decimal and lies in 0 … 100", () => {
  assert.deepEqual(["0", "0.5", "25%", "25 %", "100"].map(parsePercent), [0, 0.5, 25, 25, 100]);
  for (const bad of ["", "101", "-1", "0.55", "1e2", "25%%", "100.1", "abc", "NaN"])
    assert.throws(() => parsePercent(bad), /0 to 100/, bad);
});

test("an admin address is an origin and nothing more", () => {
  assert.equal(parseAdminUrl("http://127.0.0.1:9901/"), "http://127.0.0.1:9901");
  for (const bad of ["127.0.0.1:9901", "ftp://a", "http://a/b", "http://a?b", "http://u:p@a", "nonsense"])
    assert.throws(() => parseAdminUrl(bad), /http/, bad);
});

test("numbers for people keep their unit and their count", () => {
  assert.equal(count(1_204_567), "1 204 567");
  assert.equal(share(12, 5_600), "0.21 % (12 of 5 600)");
  assert.equal(share(0, 0), "– (0 of 0)");
  assert.deepEqual([rate(null), rate(0.25), rate(1_412)], ["– req/s", "0.3 req/s", "1 412 req/s"]);
  assert.deepEqual(
    [milliseconds(null), milliseconds(1.24), milliseconds(10_000, true)],
    ["–", "1.2 ms", "> 10 000 ms"],
  );
  assert.deepEqual([0, 4_400, 370_000, 90_000_000, 86_400_000].map(age), ["0 s", "4 s", "6 m 10 s", "1 d 1 h", "1 d"]);
});

test("columns line up whatever colour codes stand in them", () => {
  assert.equal(
    table(
      [
        ["a", "b"],
        ["\u001b[1mlong\u001b[0m", "c"],
      ],
      "  ",
    ),
    "  a     b\n  \u001b[1mlong\u001b[0m  c",
  );
});
