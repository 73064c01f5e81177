import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import { PAIR_LIMITS } from "./limits.ts";
import { Room } from "./testing/room.ts";

const ROOTS = { roots: { objects: "map" } } as const;
const BOTH = ["control", "candidate"] as const;
const EMPTY = new Uint8Array([0, 0]);

/** A client: what it sends when it sets a key. */
function author(client = 1): { set(key: string, value: unknown): Uint8Array; state(): Uint8Array } {
  const doc = new Y.Doc();
  doc.clientID = client;
  return {
    set(key, value) {
      const before = Y.encodeStateVector(doc);
      doc.getMap("objects").set(key, value);
      return Y.encodeStateAsUpdate(doc, before);
    },
    state: () => Y.encodeStateAsUpdate(doc),
  };
}

function opened(): Room {
  const room = new Room(ROOTS);
  room.join("one", "two");
  for (const arm of BOTH) for (const socket of ["one", "two"]) room.received(arm, socket, EMPTY);
  return room;
}

/** One client sends, the other sees it. */
function edit(room: Room, update: Uint8Array): void {
  for (const arm of BOTH) {
    room.sent(arm, "one", update);
    room.received(arm, "two", update);
  }
}

test("two arms that do the same are identical", () => {
  const [room, one] = [opened(), author()];
  edit(room, one.set("a", 1));
  assert.ok(room.pair.isOpen);
  room.advance(2_000);
  assert.deepEqual(room.names, ["identical"]);
  assert.equal(room.pair.phase, "converged");
  assert.ok(!room.pair.isOpen);
});

test("finds lost-yjs-update: applied and stored, not relayed", () => {
  const [room, one] = [opened(), author()];
  edit(room, one.set("a", 1));
  const lost = one.set("b", 2);
  for (const arm of BOTH) room.sent(arm, "one", lost);
  room.received("control", "two", lost);
  room.advance(2_000);
  assert.equal(room.pair.phase, "lagging");
  assert.deepEqual(
    room.pair.open.map(({ path }) => path),
    ["$.objects.b"],
  );
  room.advance(8_000);
  assert.equal(room.pair.phase, "diverged");
  const [verdict] = room.verdicts;
  assert.ok(verdict?.name === "different" && verdict.severity === "breaking");
  assert.equal(verdict.differences[0]?.path, "$.objects.b");
  assert.equal(room.pair.bytes, 0);
});

test("finds unsaved-yjs-update at the next full state", () => {
  const [room, one] = [opened(), author()];
  edit(room, one.set("a", 1));
  const stored = one.state();
  edit(room, one.set("b", 2));
  room.advance(2_000);
  assert.deepEqual(room.names, ["identical"]);
  room.join("three");
  room.received("control", "three", one.state());
  room.received("candidate", "three", stored);
  room.advance(2_000);
  assert.equal(room.pair.phase, "lagging");
  room.advance(8_000);
  assert.equal(room.pair.phase, "diverged");
});

test("finds corrupt-yjs, whether it can be read or not", () => {
  for (const at of [0, 1, -5]) {
    const [room, one] = [opened(), author()];
    edit(room, one.set("a", 1));
    const update = one.set("b", "some text");
    const corrupt = update.with(at < 0 ? update.length + at : at, update.at(at)! ^ 1);
    for (const arm of BOTH) room.sent(arm, "one", update);
    room.received("control", "two", update);
    room.received("candidate", "two", corrupt);
    room.advance(10_000);
    assert.equal(room.pair.phase, "diverged", `${at}`);
  }
});

test("echo-yjs makes no difference", () => {
  const [room, one] = [opened(), author()];
  for (const key of ["a", "b", "c"]) {
    const update = one.set(key, 1);
    edit(room, update);
    room.received("candidate", "one", update);
  }
  room.advance(12_000);
  assert.deepEqual(room.names, ["identical"]);
});

test("what each arm writes itself is equivalent", () => {
  const room = opened();
  edit(room, author().set("a", 1));
  for (const [at, arm] of BOTH.entries()) {
    const patch = author(90 + at).set("patch", { by: "server" });
    for (const socket of ["one", "two"]) room.received(arm, socket, patch);
  }
  room.advance(2_000);
  assert.deepEqual(room.names, ["equivalent"]);
});

test("an arm that is behind converges", () => {
  const [room, one] = [opened(), author()];
  const update = one.set("a", 1);
  room.sent("control", "one", update);
  room.received("control", "two", update);
  room.advance(4_000);
  assert.equal(room.pair.phase, "lagging");
  room.sent("candidate", "one", update);
  room.received("candidate", "two", update);
  room.advance(2_000);
  assert.equal(room.pair.phase, "converged");
});

test("an arm whose handshake is late is waited for", () => {
  const [room, one] = [new Room(ROOTS), author()];
  room.joinOn("control", "one");
  room.received("control", "one", one.set("a", 1));
  room.advance(4_000);
  assert.equal(room.pair.phase, "lagging");
  room.joinOn("candidate", "one");
  room.received("candidate", "one", one.state());
  room.advance(2_000);
  assert.deepEqual(room.names, ["identical"]);
});

test("an echo just before the last leave changes nothing about what was found", () => {
  const [room, one] = [opened(), author()];
  const update = one.set("a", 1);
  edit(room, update);
  room.advance(2_000);
  room.received("candidate", "one", update);
  for (const arm of BOTH) for (const socket of ["one", "two"]) room.leave(arm, socket);
  assert.deepEqual(room.names, ["identical"]);
  assert.ok(room.pair.isEnded);
});

test("a malformed update of a client is noted; relayed by one arm only it is breaking", () => {
  const broken = new Uint8Array([7, 7, 7]);
  const room = opened();
  for (const arm of BOTH) room.sent(arm, "one", broken);
  room.advance(12_000);
  assert.equal(room.pair.phase, "converged");
  assert.equal(room.pair.losses.sentMalformed, 2);
  room.received("candidate", "two", broken);
  room.advance(2_000);
  assert.equal(room.pair.phase, "lagging");
  room.advance(8_000);
  const verdict = room.verdicts.at(-1);
  assert.ok(verdict?.name === "different" && verdict.severity === "breaking");
  assert.equal(room.pair.losses.malformed, 1);
});

test("the last leave checks, and ends the pair", () => {
  const room = opened();
  edit(room, author().set("a", 1));
  for (const socket of ["one", "two"]) for (const arm of BOTH) room.leave(arm, socket);
  assert.deepEqual(room.names, ["identical"]);
  assert.ok(room.pair.isEnded);
});

test("what was under way when a socket left is no difference", () => {
  const [room, one] = [opened(), author()];
  const update = one.set("a", 1);
  for (const arm of BOTH) room.sent(arm, "one", update);
  room.received("control", "two", update);
  for (const arm of BOTH) room.leave(arm, "two");
  room.advance(12_000);
  assert.equal(room.pair.phase, "converged");
  assert.equal(room.pair.losses.cut, 1);
  for (const arm of BOTH) room.leave(arm, "one");
  assert.ok(room.pair.isEnded);
});

test("all leave with something under way: not compared, with its reason", () => {
  const [room, one] = [opened(), author()];
  const update = one.set("a", 1);
  room.sent("control", "one", update);
  for (const arm of BOTH) for (const socket of ["one", "two"]) room.leave(arm, socket);
  assert.deepEqual(room.verdicts, [{ name: "not_compared", reason: "served_aborted" }]);
  assert.ok(room.pair.isEnded);
});

test("what was lost long before the last leave is still told", () => {
  const [room, one] = [opened(), author()];
  const update = one.set("a", 1);
  for (const arm of BOTH) room.sent(arm, "one", update);
  room.received("control", "two", update);
  room.advance(6_000);
  for (const arm of BOTH) for (const socket of ["one", "two"]) room.leave(arm, socket);
  assert.equal(room.pair.phase, "lagging");
  room.advance(5_000);
  assert.deepEqual(room.names, ["different"]);
  assert.ok(room.pair.isEnded);
});

test("what one leg gets after the other has left is no difference", () => {
  const [room, one] = [opened(), author()];
  edit(room, one.set("a", 1));
  room.advance(3_000);
  room.leave("control", "two");
  const update = one.set("b", 1);
  for (const arm of BOTH) room.sent(arm, "one", update);
  room.received("candidate", "two", update);
  room.leave("candidate", "two");
  room.advance(12_000);
  assert.deepEqual(room.names, ["identical"]);
  assert.equal(room.pair.losses.ignored, 1);
});

test("a socket that one arm alone has, and one that is forgotten, are not compared", () => {
  const [room, one] = [opened(), author()];
  room.joinOn("control", "three");
  room.received("control", "three", one.set("a", 1));
  room.join("four");
  room.received("control", "four", one.set("b", 1));
  room.pair.take({ type: "forgotten", socket: "four" }, room.moment);
  room.advance(12_000);
  assert.equal(room.pair.phase, "converged");
  room.leave("control", "three");
  room.received("control", "nobody", EMPTY);
  edit(room, EMPTY);
  room.advance(12_000);
  assert.deepEqual(room.pair.losses, { malformed: 0, sentMalformed: 0, unusable: 0, ignored: 1, cut: 2 });
});

test("a document that has diverged says nothing more, and ends with its last socket", () => {
  const [room, one] = [opened(), author()];
  room.received("control", "two", one.set("a", 1));
  room.advance(12_000);
  assert.equal(room.verdicts.length, 1);
  edit(room, one.set("b", 1));
  room.advance(60_000);
  assert.equal(room.verdicts.length, 1);
  assert.equal(room.pair.losses.ignored, 4);
  for (const arm of BOTH) for (const socket of ["one", "two"]) room.leave(arm, socket);
  assert.ok(room.pair.isEnded);
});

test("bounds: too many sockets, too many bytes", () => {
  const crowd = new Room(ROOTS, { ...PAIR_LIMITS, sockets: 2 });
  crowd.join("one", "two", "three");
  assert.deepEqual(crowd.verdicts, [{ name: "not_compared", reason: "budget" }]);
  const heavy = new Room(ROOTS, { ...PAIR_LIMITS, bytes: 2_000 });
  heavy.join("one", "two");
  edit(heavy, author().set("a", "x".repeat(1_500)));
  heavy.advance(2_000);
  assert.deepEqual(heavy.verdicts, [{ name: "not_compared", reason: "body_too_large" }]);
});

test("rules that throw end the comparison of the document, with a reason", () => {
  const room = new Room(ROOTS, PAIR_LIMITS, () => {
    throw new Error("no such content");
  });
  room.join("one", "two");
  edit(room, author().set("a", 1));
  room.advance(2_000);
  assert.deepEqual(room.verdicts, [{ name: "not_compared", reason: "no_codec" }]);
});

test("a busy document is checked after 500 frames of one leg", () => {
  const [room, one] = [opened(), author()];
  for (let at = 0; at < 498; at++) edit(room, one.set("a", at));
  assert.equal(room.verdicts.length, 0);
  for (let at = 0; at < 4; at++) edit(room, one.set("a", -at));
  assert.equal(room.verdicts.length + room.pair.open.length, 1);
});

test("views of one arm with the same content hold it once", () => {
  const room = opened();
  edit(room, author().set("a", "x".repeat(10_000)));
  assert.ok(room.pair.bytes > 40_000);
  room.advance(2_000);
  assert.ok(room.pair.bytes < 20_200, `${room.pair.bytes}`);
});
