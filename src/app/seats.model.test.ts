// The keeper of the seats and the gates of two serving processes, all as shipped, under every order of messages, calls,
// sockets, flag changes, failed carries and lost processes that fast-check comes up with (handoff §14, V1 and V4).
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSeatKeeper } from "../continuity/index.ts";
import { type Arm, createManualClock, type SeatOrder, type SeatReport } from "../kernel/index.ts";
import { createMetrics } from "../metrics/index.ts";
import { type Pass, SeatGate, type SeatedSocket } from "../proxy/index.ts";

const UNIT = "lesson";
const SUBJECTS = ["ann", "bob"] as const;
type Who = (typeof SUBJECTS)[number];
/** After this a hold goes on without waiting (handoff §11). */
const HOLD_MS = 2_000;

/** A socket with a leg to an arm; a turn keeps it open once it is told to go. */
class ModelSocket implements SeatedSocket {
  readonly subject: Who;
  readonly arm: Arm;
  openTurns = 0;
  isLegClosed = false;
  #isLeaving = false;

  constructor(subject: Who, arm: Arm) {
    this.subject = subject;
    this.arm = arm;
  }

  goTo(arm: Arm, _delayMs: number, capMs: number): void {
    this.#isLeaving = arm !== this.arm;
    if (this.#isLeaving && (this.openTurns === 0 || capMs === 0)) this.close();
  }

  endTurn(): void {
    this.openTurns = 0;
    if (this.#isLeaving) this.close();
  }

  close(): void {
    this.openTurns = 0;
    this.isLegClosed = true;
  }
}

/** Flags come over the same line as the orders. */
interface Heard {
  readonly type: "flags";
  readonly subject: Who;
  readonly arm: Arm;
}

class ModelProcess {
  readonly gate: SeatGate;
  readonly toKeeper: SeatReport[] = [];
  readonly fromKeeper: (SeatOrder | Heard)[] = [];
  /** The newest flags that have arrived here. */
  readonly wanted = new Map<string, Arm>();
  readonly sockets: ModelSocket[] = [];
  readonly writes: { readonly subject: Who; readonly pass: Pass }[] = [];
  readonly member;
  isGone = false;
  #obey: (order: SeatOrder) => void = () => {};

  constructor(world: World) {
    const { clock, metrics } = world;
    this.gate = new SeatGate({
      clock,
      metrics,
      link: {
        report: (report) => void this.toKeeper.push(report),
        onOrder: (listener) => void (this.#obey = listener),
      },
      socketsOf: (_unit, subject) => this.sockets.filter((one) => one.subject === subject && !one.isLegClosed),
      downArms: () => [],
      spreadMs: () => 1_000,
    });
    this.member = world.keeper.join((order) => {
      this.fromKeeper.push(order);
      world.noteOrder(order);
    });
  }

  /** One message of one direction arrives. */
  deliver(isToKeeper: boolean): void {
    if (this.isGone) return;
    if (isToKeeper) {
      const report = this.toKeeper.shift();
      if (report) this.member.report(report);
    } else {
      const order = this.fromKeeper.shift();
      if (order?.type === "flags") this.#hear(order);
      else if (order) this.#obey(order);
    }
  }

  #hear({ subject, arm }: Heard): void {
    this.wanted.set(subject, arm);
    if (this.sockets.some((one) => one.subject === subject && !one.isLegClosed)) {
      this.gate.redecide(UNIT, subject, arm);
    }
  }

  get isBusy(): boolean {
    return !this.isGone && this.toKeeper.length + this.fromKeeper.length > 0;
  }

  tellClosed(): void {
    for (const subject of SUBJECTS) this.gate.settled(UNIT, subject);
  }
}

class World {
  readonly clock = createManualClock();
  readonly metrics = createMetrics({ version: "test" });
  readonly seats = new Map<string, Arm>();
  readonly wanted = new Map<string, Arm>();
  readonly carries: { readonly subject: string; end(error: Error | null): void }[] = [];
  /** Subjects of which something may still end where it began (handoff §11). */
  readonly forced = new Set<string>();
  readonly #heldAtMs = new Map<string, number>();
  readonly keeper = createSeatKeeper({
    decide: (_unit, subject) => this.wanted.get(subject) ?? "control",
    data: {
      isMovable: () => true,
      carry: (subject, _from, signal) =>
        new Promise((resolve, reject) => {
          if (this.clock.monotonic() - (this.#heldAtMs.get(subject) ?? 0) >= HOLD_MS) this.forced.add(subject);
          signal.addEventListener("abort", () => reject(new Error("stopped")));
          const done = { applied: 0, skipped: 0, conflicts: [], refused: [], cursor: 0 };
          this.carries.push({ subject, end: (error) => (error === null ? resolve(done) : reject(error)) });
        }),
      copy: () => Promise.reject(new Error("not asked for")),
    },
    state: {
      seat: ({ subject }) => this.seats.get(subject) ?? "control",
      saveSeat: ({ subject }, arm) => void this.seats.set(subject, arm),
      guests: () => new Map(),
    },
    clock: this.clock,
    metrics: this.metrics,
    log: { event: () => {} },
    onSeated: () => void (this.changed += 1),
  });
  processes: ModelProcess[] = [];
  waiting = 0;
  granted = 0;
  changed = 0;
  failure: string | null = null;

  constructor() {
    this.processes = [new ModelProcess(this), new ModelProcess(this)];
  }

  noteOrder(order: SeatOrder): void {
    if (order.type !== "hold") return;
    this.#heldAtMs.set(order.subject, this.clock.monotonic());
    if (order.isForced) this.forced.add(order.subject);
  }

  call(process: ModelProcess, subject: Who, isSocket: boolean): void {
    const decided = process.wanted.get(subject) ?? "control";
    this.waiting += 1;
    const enter = (pass: Pass): void => {
      this.waiting -= 1;
      this.granted += 1;
      if (process.isGone) return;
      this.#assertAlone(subject, pass.arm);
      if (isSocket) {
        const socket = new ModelSocket(subject, pass.arm);
        process.sockets.push(socket);
        process.gate.opened(UNIT, subject, socket);
        process.gate.leave(pass);
      } else process.writes.push({ subject, pass });
    };
    const pass = process.gate.enter(UNIT, subject, decided, true);
    if (pass instanceof Promise) void pass.then(enter);
    else enter(pass);
  }

  begin(socket: ModelSocket): void {
    this.#assertAlone(socket.subject, socket.arm);
    socket.openTurns = 1;
  }

  /** At no instant do two arms write for one subject. */
  #assertAlone(subject: Who, arm: Arm): void {
    const isElsewhere = this.processes.some(
      (one) =>
        !one.isGone &&
        (one.writes.some((write) => write.subject === subject && write.pass.arm !== arm) ||
          one.sockets.some((socket) => socket.subject === subject && socket.openTurns > 0 && socket.arm !== arm)),
    );
    if (isElsewhere && !this.forced.has(subject)) this.failure = `two arms write for ${subject}`;
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }

  /** Everything arrives, everything ends. */
  async rest(): Promise<void> {
    for (let round = 0; round < 100; round++) {
      for (const one of this.processes) {
        for (const write of one.writes.splice(0)) one.gate.leave(write.pass);
        for (const socket of one.sockets) socket.endTurn();
        one.tellClosed();
        while (one.isBusy) {
          one.deliver(true);
          one.deliver(false);
          await this.settle();
        }
      }
      for (const carry of this.carries.splice(0)) carry.end(null);
      await this.settle();
      const isAtRest = !this.processes.some((one) => one.isBusy || one.writes.length > 0) && this.carries.length === 0;
      if (isAtRest && this.waiting === 0 && this.keeper.status.changing === 0) {
        this.forced.clear();
        return;
      }
      if (isAtRest) this.clock.advance(1_000);
    }
  }
}

const who = fc.constantFrom<Who>("ann", "ann", "ann", "bob");
const at = fc.integer({ min: 0, max: 1 });
const count = fc.integer({ min: 1, max: 4 });
const step = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({ do: fc.constant("deliver" as const), at, isToKeeper: fc.boolean(), messages: count }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("write" as const, "open" as const), at, who }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("endWrite" as const, "turn" as const, "endTurn" as const), at }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("flip" as const),
      who,
      to: fc.constantFrom<Arm>("control", "candidate"),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("carry" as const), isWell: fc.nat({ max: 4 }).map(Boolean) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(50, 250, 900) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("rest" as const, "lose" as const), at }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function take(world: World, one: Step): Promise<void> {
  const process = "at" in one ? (world.processes[one.at] as ModelProcess) : null;
  switch (one.do) {
    case "deliver":
      for (let i = 0; i < one.messages; i++) process?.deliver(one.isToKeeper);
      break;
    case "write":
    case "open":
      if (process && !process.isGone) world.call(process, one.who, one.do === "open");
      break;
    case "endWrite": {
      const write = process?.writes.shift();
      if (write) process?.gate.leave(write.pass);
      break;
    }
    case "turn": {
      const idle = process?.sockets.find((socket) => !socket.isLegClosed);
      if (idle) world.begin(idle);
      break;
    }
    case "endTurn":
      for (const socket of process?.sockets ?? []) socket.endTurn();
      process?.tellClosed();
      break;
    case "flip":
      world.wanted.set(one.who, one.to);
      // As the proxy does it: the keeper decides by the newest flags, the processes hear of them a moment later.
      for (const { fromKeeper } of world.processes) {
        fromKeeper.push({ type: "flags", subject: one.who, arm: one.to });
      }
      world.keeper.redecide();
      break;
    case "carry":
      world.carries.shift()?.end(one.isWell ? null : new Error("no answer"));
      break;
    case "wait":
      // Messages never take as long as the patience of a gate here: silence has its own test.
      for (const each of world.processes) {
        while (each.isBusy) {
          each.deliver(true);
          each.deliver(false);
        }
      }
      world.clock.advance(one.ms);
      break;
    case "rest":
      await world.rest();
      break;
    case "lose":
      if (process && one.at === 1 && !process.isGone) {
        process.isGone = true;
        process.member.leave();
        world.processes[1] = new ModelProcess(world);
        for (const [subject, arm] of world.wanted) world.processes[1].wanted.set(subject, arm);
      }
      break;
  }
  await world.settle();
  assert.equal(world.failure, null);
}

test("no two arms ever write for one subject, every call gets its answer, and everyone ends where they are wanted", async () => {
  let [granted, changed] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 200 }), async (steps) => {
      const world = new World();
      await take(world, { do: "flip", who: "ann", to: "candidate" });
      for (const one of steps) await take(world, one);
      await world.rest();
      assert.equal(world.waiting, 0, "a call waits for ever");
      assert.equal(world.failure, null);
      for (const subject of SUBJECTS) {
        for (const process of world.processes) world.call(process, subject, false);
        world.clock.advance(61_000);
        await world.rest();
        for (const process of world.processes) world.call(process, subject, false);
        await world.rest();
        const arm = world.wanted.get(subject) ?? "control";
        assert.equal(world.keeper.armOf({ unit: UNIT, subject }), arm, `${subject} sits elsewhere`);
        assert.ok(
          world.processes.every(({ sockets }) =>
            sockets.every((one) => one.isLegClosed || one.subject !== subject || one.arm === arm),
          ),
        );
      }
      assert.equal(world.keeper.status.changing, 0);
      assert.equal(world.failure, null);
      granted += world.granted;
      changed += world.changed;
      await world.keeper.stop();
    }),
    { numRuns: 800 },
  );
  assert.ok(granted > 10_000 && changed > 500, `only ${granted} calls and ${changed} changes of arm`);
});
