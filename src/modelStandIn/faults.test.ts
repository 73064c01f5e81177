import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createFaultSwitch, FaultSyntaxError, fires, parseFaults } from "./faults.ts";
import { readSettings, SettingsError } from "./settings.ts";

test("items have a name, a rate of one by default and, for mslow, a time", () => {
  assert.deepEqual(parseFaults("m429, mslow:0.5:800,mcut@all:0"), [
    { name: "m429", rate: 1, ms: 5_000 },
    { name: "mslow", rate: 0.5, ms: 800 },
    { name: "mcut", rate: 0, ms: 5_000 },
  ]);
  assert.deepEqual(parseFaults("  "), []);
});

test("wrong items are refused with a sentence that names them", () => {
  for (const text of [
    "m430",
    "m429:2",
    "m429:-1",
    "m429:x",
    "mslow:1:x",
    "mslow:1:999999",
    "m429:1:5",
    "m429@R6",
    "m429,,",
    "mslow:1:2:3",
  ]) {
    assert.throws(() => parseFaults(text), FaultSyntaxError, text);
  }
});

test("the n-th chance fires as the seed says", () => {
  const share = (n: number): number => createHash("sha256").update(`7:m500:${n}`).digest().readUInt32BE(0) / 2 ** 32;
  const faults = createFaultSwitch(parseFaults("m500:0.3"), "7");
  for (let n = 0; n < 200; n += 1) assert.equal(faults.roll().length === 1, share(n) < 0.3, String(n));
  assert.ok(!fires("7", "m500", 0, 0) && fires("7", "m500", 0, 1));
});

test("switching replaces the items and keeps counting the chances", () => {
  const faults = createFaultSwitch([], "0");
  assert.deepEqual(faults.roll(), []);
  faults.set(parseFaults("mcut,mslow:1:20"));
  assert.deepEqual(
    faults.roll().map(({ name }) => name),
    ["mcut", "mslow"],
  );
  assert.equal(faults.text(), "mcut:1,mslow:1:20");
});

test("settings have the contract's defaults", () => {
  const { host, port, chunkMs, delayMs, faults, canSwitchFaults } = readSettings({});
  assert.deepEqual([host, port, chunkMs, delayMs, faults, canSwitchFaults], ["127.0.0.1", 8003, 5, 20, [], false]);
});

test("a wrong environment names every problem and the exit code of its kind", () => {
  const failure = (env: Record<string, string>): SettingsError => {
    try {
      readSettings(env);
    } catch (error) {
      if (error instanceof SettingsError) return error;
    }
    return assert.fail("no SettingsError");
  };
  const { message, exitCode } = failure({ PORT: "x", STANDIN_CHUNK_MS: "-1", ALLOW_FAULT_HEADERS: "yes" });
  for (const name of ["PORT", "STANDIN_CHUNK_MS", "ALLOW_FAULT_HEADERS"]) assert.ok(message.includes(name));
  assert.equal(exitCode, 3);
  assert.equal(failure({ STANDIN_FAULTS: "nonsense" }).exitCode, 2);
});
