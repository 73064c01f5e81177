import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import { compareExchange, RouteRules } from "../compare/exchange.ts";
import { NORMALISERS } from "../compare/normalisers.ts";
import type { Observation } from "../observation.ts";
import { readDocumentBody } from "./readDocument.ts";

const SHAPE = { roots: { objects: "map" } } as const;

function documentOf(edits: (objects: Y.Map<unknown>) => void, clientId: number): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  edits(doc.getMap("objects"));
  return Y.encodeStateAsUpdate(doc);
}

const observed = (arm: "control" | "candidate", body: Uint8Array, status = 200): Observation => ({
  arm,
  role: arm === "control" ? "served" : "shadow",
  result: { reply: { status, headers: ["content-type", "application/octet-stream"], body } },
  isCut: false,
  firstByteMs: 1,
  totalMs: 1,
});

function verdictOf(control: Uint8Array, candidate: Uint8Array): string {
  const reader = { on: [], read: (bytes: Uint8Array) => readDocumentBody(bytes, SHAPE, 0) };
  const words = { normalisers: NORMALISERS, statusClass: String };
  const rules = new RouteRules([], words, null, () => {}, reader);
  const context = { delayMs: 0, nowMs: 0, shadow: "candidate", conditions: {}, ids: null } as const;
  const { verdict } = compareExchange(observed("control", control), observed("candidate", candidate), rules, context);
  return "differences" in verdict && verdict.differences.length > 0
    ? `${verdict.name} ${verdict.differences.map(({ path, kind }) => `${path} ${kind}`).join()}`
    : verdict.name;
}

test("R-14: two documents with other bytes and the same content are equivalent, another content is a difference of its path", () => {
  const one = documentOf((objects) => objects.set("a", 1), 1);
  const other = documentOf((objects) => {
    objects.set("a", 0);
    objects.set("a", 1);
  }, 2);
  assert.equal(verdictOf(one, one), "identical");
  assert.equal(verdictOf(one, other), "equivalent");
  assert.equal(
    verdictOf(
      one,
      documentOf((objects) => objects.set("a", 2), 2),
    ),
    "different $.objects.a value",
  );
  assert.equal(
    verdictOf(
      one,
      documentOf(() => {}, 2),
    ),
    "different $.objects.a missing",
  );
});

test("what is no whole document is compared as bytes, and so it differs", () => {
  const whole = documentOf((objects) => objects.set("a", 1), 1);
  const doc = new Y.Doc();
  doc.getMap("objects").set("a", 1);
  const before = Y.encodeStateVector(doc);
  doc.getMap("objects").set("b", 2);
  const part = Y.encodeStateAsUpdate(doc, before);
  for (const odd of [part, Uint8Array.of(1, 2, 3), new Uint8Array(0)]) {
    assert.equal(readDocumentBody(odd, SHAPE, 0), null);
    assert.match(verdictOf(whole, odd), /^different \$ /);
  }
});
