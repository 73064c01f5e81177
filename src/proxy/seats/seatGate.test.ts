import assert from "node:assert/strict";
import { test } from "node:test";
import { type Arm, createManualClock, type SeatOrder, type SeatReport } from "../../kernel/index.ts";
import { createMetrics } from "../../metrics/index.ts";
import type { Pass } from "./seat.ts";
import { SeatGate, type SeatedSocket } from "./seatGate.ts";

const KEY = { unit: "lesson", subject: "ann" } as const;

interface TestSocket extends SeatedSocket {
  openTurns: number;
  isLegClosed: boolean;
  readonly sent: [arm: Arm, delayMs: number, capMs: number][];
}

function createGate() {
  const clock = createManualClock();
  const reports: SeatReport[] = [];
  const sockets: TestSocket[] = [];
  let listener: (order: SeatOrder) => void = () => {};
  let downArms: readonly Arm[] = [];
  const metrics = createMetrics({ version: "test" });
  const gate = new SeatGate({
    clock,
    metrics,
    link: { report: (report) => void reports.push(report), onOrder: (next) => void (listener = next) },
    socketsOf: () => sockets,
    downArms: () => downArms,
    spreadMs: () => 3_000,
  });
  const counted = async (name: string): Promise<number> => {
    const found = (await metrics.json()).find((metric) => metric.name === name);
    return (found?.values ?? []).reduce((sum, { value }) => sum + Number(value), 0);
  };
  return {
    gate,
    clock,
    reports,
    sockets,
    counted,
    say: (order: Partial<SeatOrder> & { readonly type: SeatOrder["type"] }) =>
      listener(Object.assign({ ...KEY, round: 1, stayMs: 0, reason: "settling", isForced: false }, order) as SeatOrder),
    setDown: (arms: readonly Arm[]) => {
      downArms = arms;
    },
    enter: (decided: Arm, mayWrite = true) => gate.enter(KEY.unit, KEY.subject, decided, mayWrite),
    openSocket(arm: Arm): TestSocket {
      const socket: TestSocket = {
        arm,
        openTurns: 0,
        isLegClosed: false,
        sent: [],
        goTo: (to, delayMs, capMs) => void socket.sent.push([to, delayMs, capMs]),
      };
      sockets.push(socket);
      return socket;
    },
  };
}

/** What a held call gets, once it gets it. */
async function given(pass: Pass | Promise<Pass>): Promise<readonly [Arm, string | null] | "waits"> {
  const first = await Promise.race([pass, new Promise<null>((resolve) => setImmediate(() => resolve(null)))]);
  return first === null ? "waits" : [first.arm, first.reason];
}

test("a subject that nobody knows is asked for once; later calls where it sits pass without a word", async () => {
  const { enter, reports, say } = createGate();
  const [first, second] = [enter("candidate"), enter("candidate", false)];
  assert.deepEqual(reports, [{ type: "ask", ...KEY, downArms: [] }]);
  assert.equal(await given(first), "waits");
  say({ type: "seat", arm: "candidate" });
  assert.deepEqual(
    [await given(first), await given(second)],
    [
      ["candidate", null],
      ["candidate", null],
    ],
  );
  assert.ok(!(enter("candidate") instanceof Promise));
  assert.equal(reports.length, 1);
});

test("where nobody sits at the candidate, who is decided to control need not ask", () => {
  const { enter, reports, say } = createGate();
  say({ type: "guests", hasAny: false });
  assert.equal((enter("control") as Pass).arm, "control");
  assert.equal(reports.length, 0);
});

test("in a change of arm calls wait in order, with what is under way told when it ends, and go where the seat is", async () => {
  const { gate, enter, reports, say } = createGate();
  say({ type: "seat", arm: "control" });
  const open = enter("control") as Pass;
  const asked = enter("candidate");
  say({ type: "settle", from: "control" });
  assert.deepEqual(await given(asked), ["control", "settling"], "a call that is open keeps the others where it is");
  gate.leave(open);
  assert.deepEqual(
    reports.map(({ type }) => type),
    ["ask"],
    "one is still open",
  );
  gate.leave(await asked);
  assert.deepEqual(reports.at(-1), { type: "quiet", ...KEY, round: 1 });
  say({ type: "hold", to: "candidate" });
  assert.deepEqual(reports.at(-1), { type: "held", ...KEY, round: 1 });
  const order: number[] = [];
  const held = [0, 1, 2].map(async (i) => {
    const pass = await enter(i === 1 ? "control" : "candidate"); // one whose flags are older
    order.push(i);
    return [pass.arm, pass.reason];
  });
  assert.equal(await given(enter("control")), "waits", "also where its older flags would let it go");
  say({ type: "seat", arm: "candidate" });
  assert.deepEqual(await Promise.all(held), [
    ["candidate", null],
    ["candidate", "settling"],
    ["candidate", null],
  ]);
  assert.deepEqual(order, [0, 1, 2]);
});

test("the first call waits a little for what is open elsewhere, then goes where the subject still sits", async () => {
  const { enter, say, clock } = createGate();
  const first = enter("candidate");
  say({ type: "settle", from: "control" });
  clock.advance(199);
  const second = enter("candidate");
  assert.deepEqual([await given(first), await given(second)], ["waits", "waits"]);
  clock.advance(1);
  assert.deepEqual(
    [await given(first), await given(second)],
    [
      ["control", "settling"],
      ["control", "settling"],
    ],
  );
});

test("sockets close when nothing is open any more, at once or at the end of a turn, and stay when it is taken back", () => {
  const { gate, reports, say, openSocket } = createGate();
  say({ type: "seat", arm: "control" });
  const socket = openSocket("control");
  socket.openTurns = 1;
  say({ type: "settle", from: "control" });
  assert.deepEqual([reports.length, socket.sent.length], [0, 0]);
  socket.openTurns = 0;
  gate.settled(KEY.unit, KEY.subject);
  assert.deepEqual(reports.at(-1), { type: "quiet", ...KEY, round: 1 });
  say({ type: "hold", to: "candidate" });
  assert.deepEqual(socket.sent, [["candidate", 0, 2_000]]);
  assert.equal(reports.at(-1)?.type, "quiet", "its leg is open: frames may be on their way");
  socket.isLegClosed = true;
  gate.settled(KEY.unit, KEY.subject);
  assert.equal(reports.at(-1)?.type, "held");
  say({ type: "seat", arm: "control", stayMs: 5_000 });
  assert.deepEqual(socket.sent.at(-1), ["control", 0, 2_000]);
});

test("forced: sockets are cut, and nothing is waited for", () => {
  const { enter, reports, say, openSocket } = createGate();
  say({ type: "seat", arm: "candidate" });
  void enter("candidate");
  const socket = openSocket("candidate");
  socket.openTurns = 1;
  say({ type: "hold", to: "control", isForced: true });
  assert.deepEqual(socket.sent, [["control", 0, 0]]);
  assert.equal(reports.at(-1)?.type, "held");
});

test("changed flags move who has only sockets at their own moment; forward a call does not hurry that, back it does", async () => {
  const { gate, enter, reports, say, clock, openSocket } = createGate();
  say({ type: "seat", arm: "control" });
  openSocket("control");
  gate.redecide(KEY.unit, KEY.subject, "candidate");
  assert.deepEqual(await given(enter("candidate", false)), ["control", "settling"]);
  clock.advance(2_999);
  assert.equal(reports.length, 0);
  clock.advance(1);
  assert.equal(reports.length, 1);
  say({ type: "seat", arm: "candidate" });
  gate.redecide(KEY.unit, KEY.subject, "control");
  assert.equal(await given(enter("control", false)), "waits");
  assert.equal(reports.length, 2);
  say({ type: "seat", arm: "candidate" });
  gate.redecide(KEY.unit, KEY.subject, "control");
  gate.redecide(KEY.unit, KEY.subject, "candidate");
  clock.advance(10_000);
  assert.equal(reports.length, 2, "decided back before its moment: nothing happens");
});

test("a change that is put off leaves the subject where it is for a while, and its sockets ask again then", async () => {
  const { enter, reports, say, clock, openSocket } = createGate();
  openSocket("control");
  const first = enter("candidate");
  say({ type: "seat", arm: "control", stayMs: 5_000, reason: "not-carried" });
  assert.deepEqual(await given(first), ["control", "not-carried"]);
  assert.deepEqual(await given(enter("candidate")), ["control", "not-carried"]);
  assert.equal(reports.length, 1);
  clock.advance(5_000);
  assert.equal(reports.length, 2);
});

test("a silent coordinator costs one wait: any doubt goes to control, and nobody asks for a while", async () => {
  const { enter, reports, say, clock, counted, openSocket } = createGate();
  const socket = openSocket("candidate");
  const held = enter("candidate");
  clock.advance(999);
  assert.equal(await given(held), "waits");
  clock.advance(1);
  assert.deepEqual(await given(held), ["control", "not-carried"]);
  assert.equal(socket.sent.at(-1)?.[0], "control");
  assert.deepEqual(await given(enter("control")), ["control", null]);
  assert.equal(reports.length, 1);
  assert.equal(await counted("switchyard_move_doubts_total"), 2);
  clock.advance(5_000);
  const again = enter("candidate");
  assert.equal(reports.length, 2);
  say({ type: "hold", to: "candidate" });
  clock.advance(5_000);
  assert.deepEqual(await given(again), ["control", "not-carried"], "nor is it waited for in the middle of a change");
});

test("above its limit a call that would wait is refused, and counted", async () => {
  const { enter, say, counted, gate } = createGate();
  say({ type: "hold", to: "candidate" });
  const held = Array.from({ length: 64 }, () => enter("candidate"));
  assert.throws(() => enter("candidate"), { code: "SY_OVERLOADED", headers: { "retry-after": "1" } });
  assert.equal(await counted("switchyard_queue_dropped_total"), 1);
  say({ type: "seat", arm: "candidate" });
  for (const pass of held) gate.leave(await pass);
});

test("the question says which arms are down", () => {
  const { enter, reports, setDown } = createGate();
  setDown(["candidate"]);
  void enter("control");
  assert.deepEqual(reports, [{ type: "ask", ...KEY, downArms: ["candidate"] }]);
});

test("subjects that do nothing make room for others, and are asked for again", async () => {
  const { gate, reports, say, counted } = createGate();
  say({ type: "guests", hasAny: false });
  const first = gate.enter(KEY.unit, "first", "control", true) as Pass;
  for (let i = 0; i < 100_001; i++) void gate.enter(KEY.unit, `s${i}`, "control", false);
  assert.ok((await counted("switchyard_queue_dropped_total")) >= 1);
  assert.equal(gate.armOf(KEY.unit, "s0"), null);
  assert.equal(gate.armOf(KEY.unit, "first"), "control", "one that has a call open is kept");
  gate.leave(first);
  assert.equal(reports.length, 0);
});
