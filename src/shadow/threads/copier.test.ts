import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import { type Arm, type Clock, createManualClock, systemClock } from "../../kernel/index.ts";
import type { RoutePlan } from "../plans.ts";
import { planOf } from "../serving/testing/servingBench.ts";
import { Copier } from "./copier.ts";
import { Destination } from "./destinations.ts";
import type { CopyItem, CopyRequest, JobFacts, MirrorItem } from "./messages.ts";
import type { ShadowSettings } from "./shadowSettings.ts";
import { settingsFor, type Where } from "./testing/settings.ts";

const READ = planOf({ id: "read", isStateful: true });
const WRITE = planOf({ id: "write", mode: "sandbox", isStateful: true, methods: ["POST"] });
const PLAIN = planOf({ id: "plain" });
const TOKEN = `x.${Buffer.from(JSON.stringify({ sub: "ann" })).toString("base64url")}.y`;

interface Seen {
  readonly text: string;
  readonly req: IncomingMessage;
}

/** Answers when it is told to, or at once. */
async function startTarget(t: TestContext, answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const seen: Seen[] = [];
  const server = createServer((req, res) => {
    seen.push({ text: `${req.method} ${req.url}`, req });
    req.resume();
    req.on("end", () => answer(req, res));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { origin: `http://127.0.0.1:${port}`, seen };
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let look = 0; look < 300; look++) {
    if (holds()) return;
    await pause(10);
  }
  throw new Error(`it did not happen: ${what}`);
}

function open(t: TestContext, settings: ShadowSettings, clock: Clock = systemClock) {
  const posted: CopyItem[] = [];
  const faults: unknown[] = [];
  let destinations: Record<Arm, Destination>;
  const copier = new Copier({
    clock,
    templates: [],
    destination: (arm) => destinations[arm],
    codecFor: () => null,
    post: (item) => posted.push(item),
    onCopy: () => {},
    onRepeat: () => {},
    onIdentityWait: () => {},
    onFault: (error) => faults.push(error),
  });
  const configure = (next: ShadowSettings): void => {
    const made = (arm: Arm): Destination =>
      new Destination(next.arms[arm], { arm, clock, onChange: () => {}, onEvent: () => {} });
    destinations = { control: made("control"), candidate: made("candidate") };
    copier.configure(next);
    for (const one of Object.values(destinations)) t.after(() => one.stop());
  };
  configure(settings);
  let lastId = 0;
  const arrive = (plan: RoutePlan, method = plan.methods[0] as string, group = "ann") => {
    const id = ++lastId;
    const isSafe = method === "GET" || method === "HEAD";
    const facts: JobFacts = {
      id,
      route: plan.id,
      group,
      served: "control",
      isSafe,
      leftAtMs: clock.now(),
      requestId: `r${id}`,
    };
    copier.take({ kind: "arrive", id, group, isBarrier: !isSafe });
    return (more: Partial<CopyRequest> = {}, isRepeated = false): number => {
      const headers = ["Authorization", `Bearer ${TOKEN}`];
      const copy = { method, target: `/${id}`, headers, body: null, hasSubject: true, servedFirstByteMs: 1, ...more };
      copier.take({ kind: "offer", facts, copy, isRepeated });
      return id;
    };
  };
  const told = (): readonly string[] =>
    posted.map((item) => {
      if (item.kind === "uncopied") return `${item.id} ${item.reason}`;
      if (item.kind !== "copied") return `${item.kind}`;
      const { result } = item.observation;
      return `${item.id} ${"reply" in result ? result.reply.status : result.error}`;
    });
  return { copier, posted, faults, arrive, told, configure, destinations: () => destinations };
}

const at = (where: Where) => ({ candidate: where });

test("shadow S4: copies leave in the order in which the served legs left, and writes alone", async (t) => {
  const held: ServerResponse[] = [];
  const target = await startTarget(t, (_, res) => held.push(res));
  const { arrive, told } = open(t, settingsFor([READ, WRITE], at({ target: target.origin })));
  const offers = [arrive(READ), arrive(READ), arrive(WRITE), arrive(READ), arrive(WRITE)];
  const order = (): readonly string[] => target.seen.map(({ text }) => text);
  // Heads come in another order than the calls have left.
  for (const place of [4, 3, 2, 1, 0]) offers[place]?.();
  await until(() => held.length === 2, "both reads before the write");
  await pause(50);
  assert.deepEqual([...order()].sort(), ["GET /1", "GET /2"]);
  held.shift()?.end("ok");
  await pause(50);
  assert.equal(order().length, 2, "the write waits for both");
  held.shift()?.end("ok");
  await until(() => held.length === 1, "the write");
  await pause(50);
  assert.equal(order()[2], "POST /3");
  assert.equal(order().length, 3, "the read behind waits for it");
  held.shift()?.end("ok");
  await until(() => held.length === 1, "the read");
  held.shift()?.end("ok");
  await until(() => held.length === 1, "the last write");
  held.shift()?.end("ok");
  await until(() => told().length === 5, "all are told");
  assert.deepEqual(order().slice(2), ["POST /3", "GET /4", "POST /5"]);
});

test("shadow S4: what will have no copy holds nobody up, and other groups never wait", async (t) => {
  const target = await startTarget(t, (_, res) => res.end("ok"));
  const { arrive, told, copier } = open(t, settingsFor([READ, WRITE], at({ target: target.origin })));
  arrive(WRITE);
  const behind = arrive(READ);
  behind();
  arrive(READ, "GET", "bob")();
  await until(() => told().length === 1, "bob's");
  assert.deepEqual(told(), ["3 200"]);
  copier.take({ kind: "drop", id: 1 });
  await until(() => told().length === 2, "the read behind");
  assert.equal(copier.held, 2, "only what is not judged yet");
  copier.judged({ id: 2, pairs: [], rechecks: 0, isServedWhole: true });
  copier.judged({ id: 3, pairs: [], rechecks: 0, isServedWhole: true });
  assert.equal(copier.held, 0);
});

test("shadow W4, I11: a target gets the mark and a credential of its own, never the user's", async (t) => {
  const target = await startTarget(t, (_, res) => res.end("ok"));
  const { arrive, told } = open(t, settingsFor([READ], at({ target: target.origin })));
  arrive(READ)({ headers: ["Authorization", `Bearer ${TOKEN}`, "X-Refresh-Token", "secret", "Cookie", "a=b"] });
  await until(() => told().length === 1, "the copy");
  const headers = target.seen[0]?.req.headers ?? {};
  assert.equal(headers["x-shadow"], "1");
  assert.ok(!JSON.stringify(headers).includes(TOKEN) && !JSON.stringify(headers).includes("secret"));
  assert.equal(headers.cookie, undefined);
});

test("shadow W1, W2: nothing but GET goes to a serving instance, whatever the settings were when it was taken", async (t) => {
  const serving = await startTarget(t, (_, res) => res.end("ok"));
  const target = await startTarget(t, (_, res) => res.end("ok"));
  const sandbox = { ...PLAIN, mode: "sandbox", isStateful: true } as const;
  const where = { serving: serving.origin, target: target.origin };
  const { arrive, told, configure } = open(t, settingsFor([sandbox], at(where)));
  const offers = [arrive(sandbox, "POST"), arrive(sandbox, "HEAD"), arrive(sandbox, "GET")];
  // The operator takes the target away while they are on their way.
  configure(settingsFor([PLAIN], at({ serving: serving.origin })));
  for (const offer of offers) offer();
  await until(() => told().length === 3, "all are told");
  assert.deepEqual([...told()].sort(), ["1 unsafe_write", "2 unsafe_write", "3 200"]);
  assert.deepEqual(
    [...serving.seen, ...target.seen].map(({ text }) => text),
    ["GET /3"],
  );
});

test("shadow §3: what is set to never while it waits does not leave", async (t) => {
  const target = await startTarget(t, (_, res) => res.end("ok"));
  const { arrive, told, configure } = open(t, settingsFor([WRITE], at({ target: target.origin })));
  const offer = arrive(WRITE);
  configure(settingsFor([{ ...WRITE, mode: "never" }], at({ target: target.origin })));
  offer();
  await until(() => told().length === 1, "it is told");
  assert.deepEqual([told(), target.seen.length], [["1 unsafe_write"], 0]);
});

test("shadow W2: nothing leaves for a target whose guard was not seen yet, though the serving thread thought so", async (t) => {
  const target = await startTarget(t, (_, res) => res.end("no guard here"));
  const guarded = { origin: target.origin, isGuarded: true, tokenKey: null };
  const { arrive, told, destinations } = open(t, settingsFor([READ, WRITE], at({ target: guarded })));
  arrive(WRITE)();
  await until(() => told().length === 1, "it is told");
  destinations().candidate.start();
  await until(() => destinations().candidate.state.guard === "unsafe", "the guard was asked for");
  arrive(READ)();
  await until(() => told().length === 2, "it is told");
  assert.deepEqual(told(), ["1 no_target", "2 target_unsafe"]);
  assert.ok(target.seen.every(({ text }) => text.includes("/switchyard-guard-")));
});

test("an offer whose place was lost with the thread before is told, and so is what cannot be handled", async (t) => {
  const { copier, told, faults, arrive } = open(t, settingsFor([READ], at({ target: "http://127.0.0.1:1" })));
  const facts: JobFacts = {
    id: 7,
    route: "read",
    group: "g",
    served: "control",
    isSafe: true,
    leftAtMs: 0,
    requestId: "r7",
  };
  const copy: CopyRequest = {
    method: "GET",
    target: "/",
    headers: [],
    body: null,
    hasSubject: false,
    servedFirstByteMs: null,
  };
  copier.take({ kind: "offer", facts, copy, isRepeated: false });
  arrive(READ)({ headers: null as unknown as string[] });
  await until(() => told().length === 2, "both are told");
  assert.deepEqual(told(), ["7 engine_lost", "1 engine_lost"]);
  assert.equal(faults.length, 1);
  assert.doesNotThrow(() => copier.take({ kind: "open", facts, copy: null } as unknown as MirrorItem));
});

test("shadow A2: copies that have left may be answered, what waits does not leave, and no target is blamed for our end", async (t) => {
  const held: ServerResponse[] = [];
  const target = await startTarget(t, (req, res) => {
    if (req.url === "/1") setTimeout(() => res.end("late"), 100);
    else held.push(res);
  });
  const settings = settingsFor([READ, WRITE], at({ target: target.origin }));
  const { arrive, told, copier, destinations } = open(t, settings);
  arrive(READ)();
  arrive(READ)();
  arrive(WRITE)();
  await until(() => target.seen.length === 2, "both reads have left");
  await copier.drain(300);
  await destinations().candidate.stop();
  await until(() => told().length === 3, "all are told");
  assert.deepEqual([...told()].sort(), ["1 200", "2 stopping", "3 stopping"]);
  assert.equal(target.seen.length, 2);
});

test("shadow I8: replies without an end open the circuit, unless the served ones had none either", async (t) => {
  const target = await startTarget(t, (_, res) => res.end("x".repeat(READ.tapBytes + 1)));
  const { arrive, told, copier, destinations } = open(t, settingsFor([READ], at({ target: target.origin })));
  const circuitAfter = async (isServedWhole: boolean): Promise<string> => {
    const before = told().length;
    const ids = Array.from({ length: 20 }, () => arrive(READ)());
    await until(() => told().length === before + ids.length, "the copies");
    for (const id of ids) copier.judged({ id, pairs: [], rechecks: 0, isServedWhole });
    return destinations().candidate.circuit.state;
  };
  assert.equal(await circuitAfter(false), "closed");
  assert.equal(await circuitAfter(true), "open");
});

test("shadow I8: a try whose reply has no end closes no circuit, whatever became of the served one", async (t) => {
  let isSick = true;
  const target = await startTarget(t, (_, res) => res.end("x".repeat(isSick ? READ.tapBytes + 1 : 1)));
  const clock = createManualClock();
  const { arrive, told, copier, destinations } = open(t, settingsFor([READ], at({ target: target.origin })), clock);
  const { circuit } = destinations().candidate;
  const ask = async (isServedWhole: boolean): Promise<void> => {
    const before = told().length;
    const id = arrive(READ)();
    await until(() => told().length > before, "the copy");
    copier.judged({ id, pairs: [], rechecks: 0, isServedWhole });
  };
  for (let at = 0; at < 20; at++) await ask(true);
  assert.equal(circuit.state, "open");
  clock.advance(15_000);
  await ask(false);
  assert.equal(circuit.state, "trying");
  isSick = false;
  clock.advance(30_000);
  await ask(true);
  assert.equal(circuit.state, "closed");
});

test("with the compare thread goes what was kept for it", async (t) => {
  const target = await startTarget(t, (_, res) => res.end("ok"));
  const learning = settingsFor([WRITE, READ], at({ target: target.origin }), { isLearningIds: true });
  const { arrive, told, copier } = open(t, learning);
  arrive(WRITE)();
  arrive(READ)();
  await until(() => told().length === 1, "the write");
  await pause(50);
  assert.equal(target.seen.length, 1, "the read waits for what the write's judgement brings (shadow M3)");
  copier.judgeLost();
  await until(() => told().length === 2, "and not for ever");
  copier.judgeLost();
  assert.equal(copier.held, 0);
});

test("shadow §8: both arms are asked again, the served one as the user asked it, and none with the other's words", async (t) => {
  const control = await startTarget(t, (_, res) => res.end("c"));
  const target = await startTarget(t, (_, res) => res.end("k"));
  const plan = { ...PLAIN };
  const where = { control: { serving: control.origin }, candidate: { target: target.origin } };
  const { arrive, posted, copier } = open(t, settingsFor([plan], where));
  const id = arrive(plan)();
  await until(() => posted.length === 1, "the copy");
  copier.judged({ id, pairs: [], rechecks: 2, isServedWhole: true });
  await until(() => posted.length === 2, "the re-checks");
  const item = posted[1];
  assert.ok(item?.kind === "rechecked" && item.again.length === 2);
  assert.equal(control.seen.length, 2);
  for (const { req } of control.seen) {
    assert.equal(req.headers["x-shadow"], undefined);
    assert.equal(req.headers["switchyard-role"], "repeat");
    assert.equal(req.headers.authorization, `Bearer ${TOKEN}`);
  }
  for (const { req } of target.seen) assert.notEqual(req.headers.authorization, `Bearer ${TOKEN}`);
  copier.judged({ id: 99, pairs: [], rechecks: 1, isServedWhole: true });
  await until(() => posted.length === 3, "of what nobody knows");
  const unknown = posted[2];
  assert.ok(unknown?.kind === "rechecked" && unknown.again.length === 0);
});

test("a copy that could not leave for half a minute is not compared with another time", async (t) => {
  const target = await startTarget(t, (_, res) => res.end("ok"));
  const clock = createManualClock();
  const { arrive, told } = open(t, settingsFor([READ], at({ target: target.origin })), clock);
  const offer = arrive(READ);
  clock.advance(30_001);
  offer();
  await until(() => told().length === 1, "it is told");
  assert.deepEqual(told(), ["1 queue_full"]);
});

test("a copy that waits for a place at a slow target leaves with its true age, or not at all", async (t) => {
  const held: ServerResponse[] = [];
  const target = await startTarget(t, (_, res) => held.push(res));
  const clock = createManualClock();
  const { arrive, told, posted } = open(t, settingsFor([READ, WRITE], at({ target: target.origin })), clock);
  const slow = { servedFirstByteMs: 60_000 };
  const [old, young] = [arrive(WRITE, "POST", "ann"), arrive(READ, "GET", "bob")];
  clock.advance(5_000);
  for (let nr = 0; nr < 64; nr++) arrive(READ, "GET", `g${nr}`)(slow);
  await until(() => held.length === 64, "all places are taken");
  old(slow);
  await pause(10);
  clock.advance(10_000);
  young(slow);
  await pause(10);
  clock.advance(10_000);
  held[0]?.end("ok");
  await until(() => held.length === 65, "the place that is free goes to who waits longest");
  clock.advance(5_001);
  held[64]?.end("ok");
  await until(() => told().includes("1 200"), "it was in time");
  const [item] = posted.filter((one) => "id" in one && one.id === 1);
  assert.ok(item?.kind === "copied" && item.delayMs === 25_000, "time in the queue is time behind");
  await until(() => told().includes("2 queue_full"), "the other is too old");
  assert.ok(!target.seen.some(({ text }) => text.endsWith("/2")));
});

test("a destination whose settings did not change goes on; another one lets its copies end", async (t) => {
  const held: ServerResponse[] = [];
  const target = await startTarget(t, (_, res) => held.push(res));
  const settings = settingsFor([READ], at({ target: target.origin }));
  const clock = createManualClock();
  const options = { arm: "candidate", clock, onChange: () => {}, onEvent: () => {} } as const;
  const one = new Destination(settings.arms.candidate, options);
  assert.ok(one.isOf(settingsFor([WRITE], at({ target: target.origin })).arms.candidate));
  assert.ok(!one.isOf(settingsFor([READ], at({ target: "http://127.0.0.1:1" })).arms.candidate));
  const sent = one
    .clientFor("g", true)
    ?.send({ method: "GET", target: "/", headers: [], body: null, servedFirstByteMs: 1 });
  await until(() => held.length === 1, "it has left");
  let isOver = false;
  one.retire(() => (isOver = true));
  held[0]?.end("ok");
  assert.ok("reply" in ((await sent)?.result ?? {}), "it is no failure of the target");
  clock.advance(60_000);
  assert.ok(isOver);
});
