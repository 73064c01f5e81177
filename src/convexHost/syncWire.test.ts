import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LIMITS } from "./limits.ts";
import { encodeServerMessage, encodeTs, type ServerMessage } from "./syncWire.ts";
import type { Outcome } from "./words.ts";

const outcomeOf = (result: Outcome["result"], logLines: readonly string[] = []): Outcome => ({
  result,
  ts: 258n,
  logLines,
  reads: [],
  hasReadIdentity: false,
  journal: null,
});
const encode = (message: ServerMessage): unknown => {
  const frames = encodeServerMessage(message, "t");
  assert.equal(frames.length, 1);
  return JSON.parse(frames[0] ?? "");
};
const version = { querySet: 1, identity: 2, ts: 258n };
const TS = "AgEAAAAAAAA=";

test("a timestamp is base64 of eight bytes, the lowest first", () => {
  assert.equal(encodeTs(258n), TS);
  assert.equal(encodeTs(2n ** 64n - 1n), "//////////8=");
});

test("a transition has its versions, removals, results, and failures with their data", () => {
  const failure = { message: "no", data: { code: 1 } };
  const message: ServerMessage = {
    type: "Transition",
    start: { querySet: 0, identity: 2, ts: 0n },
    end: version,
    modifications: [
      { type: "removed", queryId: 1 },
      { type: "result", queryId: 2, outcome: outcomeOf({ valueJson: '{"a":[1]}' }, ["log"]), journal: "j" },
      { type: "result", queryId: 3, outcome: outcomeOf({ failure }), journal: null },
      { type: "result", queryId: 4, outcome: outcomeOf({ failure: { message: "plain" } }), journal: null },
    ],
  };
  assert.deepEqual(encode(message), {
    type: "Transition",
    startVersion: { querySet: 0, identity: 2, ts: "AAAAAAAAAAA=" },
    endVersion: { querySet: 1, identity: 2, ts: TS },
    modifications: [
      { type: "QueryRemoved", queryId: 1 },
      { type: "QueryUpdated", queryId: 2, value: { a: [1] }, logLines: ["log"], journal: "j" },
      { type: "QueryFailed", queryId: 3, errorMessage: "no", logLines: [], errorData: { code: 1 }, journal: null },
      { type: "QueryFailed", queryId: 4, errorMessage: "plain", logLines: [], journal: null },
    ],
  });
});

test("a mutation's success has its timestamp; its failure and an action's answers have none", () => {
  const ok = outcomeOf({ valueJson: "7" }, ["log"]);
  const failed = outcomeOf({ failure: { message: "no", data: 0 } });
  assert.deepEqual(encode({ type: "MutationResponse", requestId: 1, outcome: ok }), {
    type: "MutationResponse",
    requestId: 1,
    success: true,
    result: 7,
    ts: TS,
    logLines: ["log"],
  });
  assert.deepEqual(encode({ type: "MutationResponse", requestId: 1, outcome: failed }), {
    type: "MutationResponse",
    requestId: 1,
    success: false,
    result: "no",
    logLines: [],
    errorData: 0,
  });
  assert.deepEqual(encode({ type: "ActionResponse", requestId: 1, outcome: ok }), {
    type: "ActionResponse",
    requestId: 1,
    success: true,
    result: 7,
    logLines: ["log"],
  });
});

function transitionOf(text: string): ServerMessage {
  const outcome = outcomeOf({ valueJson: JSON.stringify(text) });
  const modifications = [{ type: "result", queryId: 0, outcome, journal: null }] as const;
  return { type: "Transition", start: version, end: version, modifications };
}

test("a large transition goes in numbered chunks within the limit, whatever its characters, and is whole again", () => {
  const pieces = fc.constantFrom("a", '"', "\\", "é", "漢", "😀", "\ud83d", "\u0000", "\u2028");
  fc.assert(
    fc.property(fc.array(pieces, { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 3 }), (list, parts) => {
      const piece = list.join("");
      const text = piece.repeat(Math.ceil((parts * 2_000_000) / piece.length));
      const frames = encodeServerMessage(transitionOf(text), "id");
      for (const frame of frames) assert.ok(Buffer.byteLength(frame) <= LIMITS.syncMessageBytes);
      const chunks = frames.map((frame): { [field: string]: unknown } => JSON.parse(frame));
      if (frames.length === 1) return chunks[0]?.["type"] === "Transition";
      chunks.forEach(({ type, partNumber, totalParts, transitionId }, at) => {
        assert.deepEqual([type, partNumber, totalParts, transitionId], ["TransitionChunk", at, frames.length, "id"]);
      });
      const whole = JSON.parse(chunks.map(({ chunk }) => chunk as string).join(""));
      assert.equal(whole.modifications[0].value, text);
      return true;
    }),
    { numRuns: 12 },
  );
});

test("a transition at the limit is one message, one byte above it is several", () => {
  const empty = Buffer.byteLength(encodeServerMessage(transitionOf(""), "t")[0] ?? "");
  const room = LIMITS.syncMessageBytes - empty;
  assert.equal(encodeServerMessage(transitionOf("x".repeat(room)), "t").length, 1);
  assert.ok(encodeServerMessage(transitionOf("x".repeat(room + 1)), "t").length > 1);
});

test("a transition beyond what the host sends at all is an error by name", () => {
  const outcome = outcomeOf({ valueJson: `"${"x".repeat(16 * 1_024 * 1_024)}"` });
  const modifications = Array.from({ length: 9 }, (_, queryId) => ({
    type: "result" as const,
    queryId,
    outcome,
    journal: null,
  }));
  const message: ServerMessage = { type: "Transition", start: version, end: version, modifications };
  assert.throws(() => encodeServerMessage(message, "t"), /^RangeError: TransitionTooLarge/);
});
