import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import { BodyRules } from "../compare/bodyRules.ts";
import { NORMALISERS } from "../compare/normalisers.ts";
import type { ComparisonRule } from "../rules/rule.ts";
import { checkDocuments, type DocumentRules, type DocumentVerdict } from "./checkDocuments.ts";
import { DocumentTrack } from "./documentTrack.ts";
import { TRACK_LIMITS } from "./limits.ts";
import { contextAt, rulesFor } from "./testing/room.ts";

const RULES = rulesFor({ roots: { objects: "map", ephemeral: "map", text: "text" } });
const NOW_MS = 1_700_000_000_000;

interface Check {
  readonly atMs?: number;
  readonly rules?: DocumentRules;
  readonly clientMade?: ReadonlySet<number>;
}

function trackOf(...updates: readonly Uint8Array[]): DocumentTrack {
  const track = new DocumentTrack();
  for (const update of updates) track.received(update, 0);
  return track;
}

function check(control: DocumentTrack, candidate: DocumentTrack, more: Check = {}): DocumentVerdict {
  const { atMs = 10_000, rules = RULES, clientMade = new Set<number>() } = more;
  return checkDocuments(control, candidate, rules, { atMs, context: contextAt(NOW_MS), clientMade });
}

/** A document of one Yjs client, and what each of its edits sent. */
function edited(client: number, ...edits: readonly ((doc: Y.Doc) => void)[]): Uint8Array[] {
  const doc = new Y.Doc();
  doc.clientID = client;
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  for (const edit of edits) doc.transact(() => edit(doc));
  return updates;
}

const set = (key: string, value: unknown) => (doc: Y.Doc) => doc.getMap("objects").set(key, value);
const told = (verdict: DocumentVerdict): readonly string[] =>
  "differences" in verdict ? verdict.differences.map(({ kind, path }) => `${kind} ${path}`) : [];

test("L1: the same snapshots and content are identical", () => {
  const updates = edited(1, set("a", 1), set("b", { x: 0.5 }));
  assert.deepEqual(check(trackOf(...updates), trackOf(Y.mergeUpdates(updates))), { name: "identical" });
  assert.deepEqual(check(trackOf(), trackOf(new Uint8Array([0, 0]))), { name: "identical" });
});

test("L2: content that other Yjs clients have written is equivalent", () => {
  const verdict = check(trackOf(...edited(1, set("a", 1))), trackOf(...edited(2, set("a", 1))));
  assert.equal(verdict.name, "equivalent");
  assert.deepEqual("normalisers" in verdict && verdict.normalisers, ["server_ids"]);
});

test("L2: numbers and the order of keys are treated as everywhere", () => {
  const one = edited(1, set("a", { x: 1n, y: -0 }));
  const other = edited(2, set("a", { y: 0, x: 1 }));
  const verdict = check(trackOf(...one), trackOf(...other));
  assert.equal(verdict.name, "equivalent");
  assert.deepEqual("normalisers" in verdict && [...verdict.normalisers].sort(), ["keys", "num", "server_ids"]);
});

test("L2: what the application calls expired is left out", () => {
  const mark = (expiresAt: number) => (doc: Y.Doc) => doc.getMap("ephemeral").set("m", { metadata: { expiresAt } });
  const [gone] = edited(1, mark(NOW_MS - 1));
  const [there] = edited(1, mark(NOW_MS + 1));
  assert.equal(check(trackOf(gone!), trackOf()).name, "equivalent");
  assert.deepEqual(told(check(trackOf(there!), trackOf())), ["missing $.ephemeral.m"]);
});

test("L3 and L4: a difference is lagging for ten seconds after the last frame, then it counts", () => {
  const [first, second] = edited(1, set("a", { x: 1, y: 1 }), set("a", { x: 2, y: 1 }));
  const [control, candidate] = [trackOf(first!, second!), trackOf(first!)];
  assert.equal(check(control, candidate, { atMs: 9_999 }).name, "lagging");
  const verdict = check(control, candidate);
  assert.equal(verdict.name, "different");
  assert.deepEqual(told(verdict), ["value $.objects.a.x"]);
});

test("an arm that never sent anything is compared as soon as the other is quiet", () => {
  assert.equal(check(new DocumentTrack(), trackOf(...edited(1, set("a", 1)))).name, "different");
});

test("shadow Y1: equal state vectors with a missing deletion are not identical", () => {
  const [typed, deleted] = edited(
    1,
    (doc) => doc.getText("text").insert(0, "one two"),
    (doc) => doc.getText("text").delete(3, 4),
  );
  const [control, candidate] = [trackOf(typed!, deleted!), trackOf(typed!)];
  assert.deepEqual(control.stateVector(), candidate.stateVector());
  assert.notEqual(control.deleteDigest(), candidate.deleteDigest());
  assert.deepEqual(told(check(control, candidate)), ["value $.text"]);
});

test("equal snapshots with other content are not identical", () => {
  const [right] = edited(1, (doc) => doc.getText("text").insert(0, "abcd"));
  const wrong = right!.slice();
  wrong[wrong.indexOf("c".charCodeAt(0))] = "z".charCodeAt(0);
  const [control, candidate] = [trackOf(right!), trackOf(wrong)];
  assert.deepEqual(control.stateVector(), candidate.stateVector());
  assert.deepEqual(told(check(control, candidate)), ["value $.text"]);
});

test("the same gap on both arms is equivalent; one more update lost behind it is different", () => {
  const [first, , third, fourth, fifth] = edited(
    1,
    ...["a", "b", "c", "d", "e"].map((mark, at) => (doc: Y.Doc) => doc.getText("text").insert(at, mark)),
  );
  const gapped = () => trackOf(first!, third!, fourth!, fifth!);
  assert.equal(check(gapped(), gapped()).name, "equivalent");
  const verdict = check(gapped(), trackOf(first!, third!, fifth!));
  assert.equal(verdict.name, "different");
  assert.deepEqual(told(verdict), ["value update:lost"]);
});

test("shadow Y4: a malformed update that one arm alone sent is breaking", () => {
  const updates = edited(1, set("a", 1));
  const broken = new Uint8Array([1, 2, 3]);
  assert.equal(check(trackOf(...updates, broken), trackOf(...updates, broken)).name, "identical");
  const verdict = check(trackOf(...updates), trackOf(...updates, broken));
  assert.deepEqual(told(verdict), ["extra update:malformed"]);
  assert.equal(verdict.name === "different" && verdict.severity, "breaking");
  assert.deepEqual(told(check(trackOf(...updates, broken), trackOf(...updates))), ["missing update:malformed"]);
});

test("rules of the application raise a severity and accept a difference", () => {
  const rule = (effect: Partial<ComparisonRule>): ComparisonRule => ({
    id: "rule",
    owner: "tests",
    reason: "to see what it does",
    on: ["*"],
    until: "contract",
    ...effect,
  });
  const under = (effect: Partial<ComparisonRule>): DocumentVerdict => {
    const rules = { ...RULES, body: new BodyRules([rule(effect)], NORMALISERS) };
    const [one, other] = [edited(1, set("a", { x: 1, y: 1 })), edited(1, set("a", { x: 2, y: 1 }))];
    return check(trackOf(...one), trackOf(...other), { rules });
  };
  const raised = under({ path: "$..*", severity: "breaking" });
  assert.equal(raised.name === "different" && raised.severity, "breaking");
  assert.equal(under({ path: "$.objects.*.x", accept: true }).name, "accepted");
});

test("an update that builds on what one arm wrote itself cannot be compared", () => {
  const client = new Y.Doc();
  client.clientID = 1;
  const own = edited(77, set("a", "patched by control"));
  Y.applyUpdate(client, own[0]!);
  const edits: Uint8Array[] = [];
  client.on("update", (update: Uint8Array) => edits.push(update));
  client.getMap("objects").set("a", "by the client");
  const patched = edited(78, set("a", "patched by candidate"));
  const [control, candidate] = [trackOf(...own, ...edits), trackOf(...patched, ...edits)];
  assert.deepEqual(candidate.strangers(), [77]);
  assert.deepEqual(check(control, candidate, { clientMade: new Set([1]) }), {
    name: "not_compared",
    reason: "identity",
  });
  assert.equal(check(control, candidate, { atMs: 5_000 }).name, "lagging");
  // A client wrote it: then it was lost.
  assert.equal(check(control, candidate, { clientMade: new Set([1, 77]) }).name, "different");
});

test("a document over its bounds is not compared", () => {
  const small = new DocumentTrack({ ...TRACK_LIMITS, documentBytes: 4 });
  small.received(edited(1, set("a", 1))[0]!, 0);
  assert.deepEqual(check(small, trackOf()), { name: "not_compared", reason: "body_too_large" });
});
