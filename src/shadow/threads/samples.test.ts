// What is kept of conversations, documents and re-checks (shadow §16.4, §16.5), from the frames on.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import { readSample, type SampleBody } from "../evidence/sampleBody.ts";
import type { DocumentCodec } from "../ports.ts";
import { planOf } from "../serving/testing/servingBench.ts";
import type { CopyItem, Handshake, SocketFacts } from "./messages.ts";
import {
  bytesOf,
  type ComparerBench,
  copiedItem,
  factsOf,
  observed,
  openComparerBench,
  servedItem,
} from "./testing/comparerBench.ts";

const TALK = planOf({ id: "talk", mode: "sandbox", isStateful: true, methods: ["WS"], surface: "talk" });
const READ = planOf({ id: "read" });
const OPEN: Handshake = { status: 101, contentType: "", body: new Uint8Array(0) };

function samplesOf({ comparer }: ComparerBench): readonly SampleBody[] {
  const rows = [...comparer.units.values()].flatMap((unit) =>
    unit.series.flatMap((series) => series.unsaved(0).checkpoint.samples),
  );
  return rows.map(({ body }) => readSample(body) ?? assert.fail("nobody can read it"));
}

const answer = (turn: string, value: object) =>
  bytesOf(JSON.stringify({ lane: "talk", type: "answer", id: turn, isFinal: true, value }));

function openTalk() {
  const bench = openComparerBench([TALK]);
  const { comparer, clock } = bench;
  const facts: SocketFacts = { ...factsOf(1, TALK), surface: "talk" };
  const atMs = (): number => clock.now();
  comparer.take({ kind: "opening", facts, document: "" });
  comparer.take({ kind: "handshake", id: 1, result: OPEN, atMs: atMs() });
  comparer.copied({ kind: "copy-handshake", id: 1, result: OPEN, atMs: atMs() });
  const turn = (id: string, control: object, candidate: object, more: object = {}): void => {
    clock.advance(1_000);
    const data = bytesOf(JSON.stringify({ id, isRead: true, ...more }));
    comparer.take({ kind: "client", id: 1, isBinary: false, data, atMs: atMs() });
    comparer.copied({ kind: "copy-client", id: 1, isBinary: false, data, atMs: atMs() });
    clock.advance(20);
    comparer.take({ kind: "arm", id: 1, isBinary: false, data: answer(id, control), atMs: atMs() });
    comparer.copied({ kind: "copy-arm", id: 1, isBinary: false, data: answer(id, candidate), atMs: atMs() });
  };
  const settle = (): void => {
    clock.advance(10_000);
    comparer.conversations.tick();
  };
  return { bench, turn, settle };
}

test("of a conversation the turns around the first difference are kept: both arms linked, the client between, and no value", () => {
  const { bench, turn, settle } = openTalk();
  turn("t1", { text: "the same" }, { text: "the same" });
  turn("t2", { text: "SECRET-A" }, { text: "SECRET-B" }, { question: "SECRET-Q" });
  settle();
  const [sample] = samplesOf(bench);
  const { conversation } = sample ?? {};
  assert.ok(conversation);
  assert.doesNotMatch(JSON.stringify(sample), /SECRET/);
  assert.deepEqual(
    conversation.frames.map(({ who, turn: at, type, state, link }) => [who, at, type, state, link]),
    [
      ["client", 1, null, "before", null],
      ["control", 1, "answer", "before", 100_000],
      ["candidate", 1, "answer", "before", 100_000],
      ["client", 2, null, null, null],
      ["control", 2, "answer", "changed", 200_000],
      ["candidate", 2, "answer", "changed", 200_000],
    ],
  );
  assert.equal(conversation.first, 4);
  const [asked, control] = [conversation.frames[3], conversation.frames[4]];
  assert.match(JSON.stringify(asked?.body), /"question":"text\(8\)#[0-9a-f]{12}"/);
  assert.match(JSON.stringify(control?.body), /"text":"text\(8\)#[0-9a-f]{12}"/);
  assert.equal(control?.ms, 20);
  assert.equal(conversation.frames[1]?.body, undefined, "of what was equal no contents are held");
});

test("a view has at most 64 frames and 32 KiB; what lies furthest from the first difference goes first", () => {
  const { bench, turn, settle } = openTalk();
  const wide = (text: string) =>
    Object.fromEntries(Array.from({ length: 900 }, (_, at) => [`k${at}`, at === 7 ? text : at]));
  for (let at = 0; at < 40; at++) turn(`t${at}`, { at }, { at }, { at });
  turn("x", wide("a"), wide("b"), { question: "x" });
  settle();
  const { conversation } = samplesOf(bench)[0] ?? {};
  assert.ok(conversation);
  assert.ok(conversation.frames.length <= 64);
  assert.ok(Buffer.byteLength(JSON.stringify(conversation)) <= 32 * 1_024);
  const told = conversation.frames.filter(({ body }) => body !== undefined);
  assert.ok(told.length >= 1 && told.length < 3, "one of both sides is too large for the rest");
});

test("shadow §16.4: a sample says what the arms answered when they were asked again", () => {
  const bench = openComparerBench([READ]);
  const { comparer, judged } = bench;
  comparer.take(servedItem(factsOf(1, READ), "a"));
  const repeat = observed("control", "repeat", "a");
  comparer.copied({ ...copiedItem(1, "b"), repeat } as CopyItem);
  assert.ok((judged.at(-1)?.rechecks ?? 0) > 0, "it is asked again");
  const once = (candidate: string) => ({
    control: observed("control", "repeat", "a"),
    candidate: observed("candidate", "repeat", candidate),
  });
  comparer.copied({ kind: "rechecked", id: 1, again: [once("b"), once("c")] });
  const [sample] = samplesOf(bench);
  assert.deepEqual(sample?.again, {
    rechecks: [
      { arms: ["$"], control: [], candidate: [] },
      { arms: ["$"], control: [], candidate: ["$"] },
    ],
    repeat: [],
  });
});

test("of a document the first root that differs is kept, without what is equal, and how far each arm has come", () => {
  const board: DocumentCodec = {
    surface: "board",
    roots: { objects: "map", other: "map" },
    updateOf: ({ data }) => data,
  };
  const plan = planOf({ id: "board", mode: "sandbox", isStateful: true, methods: ["WS"], surface: "board" });
  const bench = openComparerBench([plan], { documents: new Map([["board", board]]) });
  const { comparer, clock } = bench;
  const facts: SocketFacts = { ...factsOf(1, plan), surface: "board" };
  comparer.take({ kind: "opening", facts, document: "ann\n/board" });
  comparer.take({ kind: "handshake", id: 1, result: OPEN, atMs: clock.now() });
  comparer.copied({ kind: "copy-handshake", id: 1, result: OPEN, atMs: clock.now() });
  const update = (isWhole: boolean): Uint8Array<ArrayBuffer> => {
    const doc = new Y.Doc();
    doc.clientID = 1_234_567;
    doc.getMap("objects").set("same", "SECRET-1");
    doc.getMap("other").set("same", 1);
    if (isWhole) doc.getMap("objects").set("lost", "SECRET-2");
    return new Uint8Array(Y.encodeStateAsUpdate(doc));
  };
  comparer.take({ kind: "arm", id: 1, isBinary: true, data: update(true), atMs: clock.now() });
  comparer.copied({ kind: "copy-arm", id: 1, isBinary: true, data: update(false), atMs: clock.now() });
  for (let at = 0; at < 15; at++) {
    clock.advance(1_000);
    comparer.conversations.tick();
  }
  const [sample] = samplesOf(bench);
  const { document } = sample ?? {};
  assert.ok(document);
  assert.doesNotMatch(JSON.stringify(sample), /SECRET|1234567/);
  assert.equal(document.root, "objects");
  assert.match(JSON.stringify(document.control), /^\{"objects":\{"lost":"text\(8\)#[0-9a-f]{12}"\}\}$/);
  assert.deepEqual(document.candidate, { objects: {} });
  assert.deepEqual(
    document.vectors.map(({ control, candidate }) => [control, candidate]),
    [[3, 2]],
  );
});
