import assert from "node:assert/strict";
import { test } from "node:test";
import type { SampleConversation, SampleFrame } from "../shadow/ports.ts";
import { differencesByPart, talkRows } from "./talk.ts";

const frame = (who: SampleFrame["who"], more: Partial<SampleFrame> = {}): SampleFrame => ({
  who,
  turn: 1,
  type: "answer",
  ms: 10,
  chars: 20,
  parts: null,
  state: who === "client" ? null : "matched",
  link: null,
  ...more,
});
const talk = (frames: SampleFrame[], first: number | null): SampleConversation => ({
  turn: 1,
  first,
  frames,
  leftOut: 0,
});

test("what is one message stands beside each other, the client's frames between, all in their order", () => {
  const frames = [
    frame("control", { turn: 0, state: "before" }),
    frame("client", { type: null }),
    frame("control", { link: 0 }),
    frame("candidate", { link: 0 }),
    frame("control", { link: 1, state: "changed" }),
    frame("candidate", { link: 1, state: "changed" }),
    frame("candidate", { state: "extra" }),
    frame("control", { state: "behind" }),
  ];
  const rows = talkRows(talk(frames, 4)).map((row) => [
    row.control?.state ?? null,
    row.client === null ? null : "asks",
    row.candidate?.state ?? null,
    row.isFirst ? "first" : row.isQuiet ? "quiet" : "",
  ]);
  assert.deepEqual(rows, [
    ["before", null, null, "quiet"],
    [null, "asks", null, ""],
    ["matched", null, "matched", ""],
    ["changed", null, "changed", "first"],
    [null, null, "extra", ""],
    ["behind", null, null, "quiet"],
  ]);
});

test("what was asked of a model is told first, then structure, then what came in pieces", () => {
  const found = (template: string, kind: "value" | "missing" = "value") => ({ template, kind });
  const differences = [
    found("message:delta $"),
    found("message:tool $.name"),
    found("message:delta", "missing"),
    found("message:plain $"),
    found("model.request $.messages"),
  ];
  const said = talk([frame("control", { type: "delta", parts: 7 }), frame("control", { type: "plain" })], null);
  assert.deepEqual(
    differencesByPart(differences, said).map(({ part, differences: own }) => [
      part,
      own.map(({ template }) => template),
    ]),
    [
      ["model request", ["model.request $.messages"]],
      ["structure", ["message:tool $.name", "message:delta", "message:plain $"]],
      ["text", ["message:delta $"]],
    ],
  );
});
