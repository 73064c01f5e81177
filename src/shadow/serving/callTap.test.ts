import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BodyTap } from "../mirror/bodyTap.ts";
import { Credits } from "../mirror/credits.ts";
import type { CopyRequest, JobFacts } from "../threads/messages.ts";
import { ServedCallTap, type TapDeps } from "./callTap.ts";
import { legOf, planOf } from "./testing/servingBench.ts";

const FACTS: JobFacts = {
  id: 1,
  route: "r",
  group: "ann",
  served: "control",
  isSafe: false,
  leftAtMs: 0,
  requestId: "r1",
};

function open({ hasBody = true, bytesMax = 100 } = {}) {
  const credits = new Credits();
  const request = hasBody ? new BodyTap(credits, bytesMax) : null;
  const response = new BodyTap(credits, bytesMax);
  const told: string[] = [];
  const offers: CopyRequest[] = [];
  const served: Parameters<TapDeps["served"]>[0][] = [];
  let nowMs = 0;
  const tap = new ServedCallTap({
    facts: FACTS,
    leg: legOf(planOf({ id: "r" }), { method: "POST" }),
    request,
    response,
    now: () => (nowMs += 10),
    offer: (copy) => {
      told.push("offer");
      offers.push(copy);
    },
    skip: (reason) => told.push(`skip ${reason}`),
    served: (item) => {
      told.push("served");
      served.push(item);
    },
  });
  return { tap, told, offers, served, request, response };
}

test("shadow S3: the copy is offered with the head of the served answer, and not before its body is whole", () => {
  const { tap, told, offers, served } = open();
  tap.requestChunk(Buffer.from("ab"));
  tap.head(201, [Buffer.from("X-Name"), Buffer.from("Ünï", "latin1")]);
  assert.deepEqual(told, [], "an early answer: the upload goes on");
  tap.requestChunk(Buffer.from("c"));
  tap.requestEnd();
  assert.deepEqual(told, ["offer"]);
  tap.chunk(Buffer.from("made"));
  tap.end(null);
  assert.deepEqual(told, ["offer", "served"]);
  assert.equal(String(Buffer.from(offers[0]?.body ?? [])), "abc");
  assert.equal(offers[0]?.servedFirstByteMs, 10);
  const [item] = served;
  assert.ok(item !== undefined && "reply" in item.result);
  assert.deepEqual(item.result.reply.headers, ["x-name", "Ünï"]);
  assert.equal(String(Buffer.from(item.result.reply.body)), "made");
});

test("shadow S3: a served leg that fails before a head offers its copy with the error", () => {
  const { tap, told, offers, served } = open({ hasBody: false });
  tap.end("timeout");
  tap.end("aborted");
  assert.deepEqual(told, ["offer", "served"]);
  assert.equal(offers[0]?.servedFirstByteMs, null);
  assert.deepEqual(served[0]?.result, { error: "timeout" });
});

test("a client that goes, and an arm that answers before it has read all, leave nothing to compare", () => {
  const gone = open();
  gone.tap.requestChunk(Buffer.from("ab"));
  gone.tap.end("aborted");
  assert.deepEqual(gone.told, ["skip served_aborted"]);
  const early = open();
  early.tap.head(413, []);
  early.tap.end(null);
  early.tap.requestEnd();
  assert.deepEqual(early.told, ["skip served_aborted"]);
});

test("shadow I4: a body that is too large is not sent half, an answer that is too large is told as that", () => {
  const request = open({ bytesMax: 3 });
  request.tap.requestChunk(Buffer.from("abcd"));
  request.tap.requestEnd();
  request.tap.head(200, []);
  request.tap.end(null);
  assert.deepEqual(request.told, ["skip body_too_large"]);
  const response = open({ hasBody: false, bytesMax: 3 });
  response.tap.head(200, []);
  response.tap.chunk(Buffer.from("abcd"));
  response.tap.end(null);
  assert.deepEqual(response.told, ["offer", "served"]);
  assert.equal(response.served[0]?.loss, "body_too_large");
});

test("of a job that was lost neither half a body is offered nor half an answer told", () => {
  const { tap, told, request, response } = open();
  tap.requestChunk(Buffer.from("ab"));
  request?.release();
  response.release();
  tap.requestChunk(Buffer.from("c"));
  tap.requestEnd();
  tap.head(200, []);
  tap.chunk(Buffer.from("made"));
  tap.end(null);
  assert.deepEqual(told, ["skip engine_lost"]);
});

test("whatever comes in whatever order, a call is offered once or skipped once, and told once if it was offered", () => {
  const step = fc.record({ kind: fc.nat(6), bytes: fc.nat(60) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20, size: "max" }), fc.boolean(), fc.nat(20), (steps, hasBody, lostAt) => {
      const { tap, told, request, response } = open({ hasBody });
      const before: string[][] = [];
      for (const [at, { kind, bytes }] of steps.entries()) {
        if (at === lostAt) for (const one of [request, response]) one?.release();
        if (kind === 0) tap.requestChunk(new Uint8Array(bytes));
        else if (kind === 1) tap.requestEnd();
        else if (kind === 2) tap.head(200, []);
        else if (kind === 3) tap.chunk(new Uint8Array(bytes));
        else tap.end(kind === 4 ? null : kind === 5 ? "aborted" : "reset");
        before.push([...told]);
      }
      tap.end("aborted");
      const isLost = lostAt < steps.length;
      const skips = told.filter((one) => one.startsWith("skip"));
      const count = (what: string): number => told.filter((one) => one === what).length;
      assert.equal(count("offer") + skips.length, 1);
      assert.ok(count("served") <= count("offer"));
      if (!isLost) assert.equal(count("served"), count("offer"));
      if (count("served") > 0) assert.ok(told.indexOf("offer") < told.indexOf("served"));
    }),
  );
});
