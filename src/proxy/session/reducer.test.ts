import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Frame } from "../ports.ts";
import { type Effect, type SessionEvent, type SessionState, startSession, step } from "./reducer.ts";
import { brokenCodecs, tinyCodec } from "./testing/tinyCodec.ts";

const frame = (text: string): Frame => ({ isBinary: false, data: Buffer.from(text) });
const fromClient = (text: string): SessionEvent => ({ type: "client-frame", frame: frame(text) });
const fromArm = (text: string, gen = 1): SessionEvent => ({ type: "arm-frame", gen, frame: frame(text) });
const decided = (arm: "control" | "candidate"): SessionEvent => ({ type: "decided", arm, delayMs: 100, capMs: 1_000 });
const armClosed = (code: number, reason = "", gen = 1): SessionEvent => ({
  type: "arm-closed",
  gen,
  code,
  reason,
  delayMs: 100,
});
const clientClosed = (code: number, reason = ""): SessionEvent => ({ type: "client-closed", code, reason });
const DUE: SessionEvent = { type: "leave-due" };
const CAP: SessionEvent = { type: "leave-cap" };
const DRAIN: SessionEvent = { type: "drain", delayMs: 50, capMs: 500 };
const LIMIT: SessionEvent = { type: "limit", code: 1008, reason: "rate" };

const live = startSession("control", tinyCodec);

function run(state: SessionState, ...events: SessionEvent[]): { state: SessionState; effects: string[] } {
  let effects: string[] = [];
  for (const event of events) {
    const [next, made] = step(state, event);
    state = next;
    effects = made.map(show);
  }
  return { state, effects };
}

function show(effect: Effect): string {
  switch (effect.type) {
    case "close-client":
    case "close-arm":
      return `${effect.type} ${effect.code}${effect.reason === "" ? "" : ` ${effect.reason}`}`;
    case "timer":
      return `${effect.name} in ${effect.ms}`;
    case "dropped":
      return `dropped ${effect.reason}`;
    default:
      return effect.type;
  }
}

/** One state per phase, and the two faces of leaving that behave differently. */
const STATES = {
  live,
  "live in a turn": run(live, fromClient("turn")).state,
  leaving: run(live, decided("candidate")).state,
  "leaving, due, in a turn": run(live, fromClient("turn"), decided("candidate"), DUE).state,
  "leaving, leg lost": run(live, armClosed(1006)).state,
  closing: run(live, LIMIT).state,
  closed: run(live, clientClosed(1000)).state,
} satisfies Record<string, SessionState>;

const EVENTS = {
  "client turn": fromClient("turn"),
  "client frame": fromClient("hello"),
  "arm final": fromArm("final"),
  "arm frame": fromArm("push"),
  "stale arm frame": fromArm("push", 0),
  "client closes 1000": clientClosed(1000, "bye"),
  "client vanishes": clientClosed(1006),
  "arm closes intended": armClosed(1008, "no"),
  "arm closes without a code": armClosed(1005),
  "arm is lost": armClosed(1006),
  "stale arm close": armClosed(1008, "no", 0),
  "decided elsewhere": decided("candidate"),
  "decided here": decided("control"),
  drain: DRAIN,
  "leave is due": DUE,
  "leave cap": CAP,
  limit: LIMIT,
} satisfies Record<string, SessionEvent>;

type Row = readonly [phase: SessionState["phase"], ...effects: string[]];
const SAME: unique symbol = Symbol("nothing happens");
const TIMERS = ["cancel-timers", "leave-due in 100", "leave-cap in 1000"] as const;
const LOST = ["pause-client", "cancel-timers", "leave-due in 100", "leave-cap in 100"] as const;
const DRAINING = ["cancel-timers", "leave-due in 50", "leave-cap in 500"] as const;
const RETRY = ["cancel-timers", "close-client 1012 handoff:retry"] as const;
const MOVED = [...RETRY, "close-arm 4001 handoff"] as const;

/** What a session answers to each event. */
type Rows = { readonly [E in keyof typeof EVENTS]: Row | typeof SAME };

const LIVE: Rows = {
  "client turn": ["live", "to-arm"],
  "client frame": ["live", "to-arm"],
  "arm final": ["live", "to-client"],
  "arm frame": ["live", "to-client"],
  "stale arm frame": ["live", "stale"],
  "client closes 1000": ["closed", "cancel-timers", "close-arm 1000 bye"],
  "client vanishes": ["closed", "cancel-timers", "close-arm 1001"],
  "arm closes intended": ["closing", "cancel-timers", "close-client 1008 no"],
  "arm closes without a code": ["closing", "cancel-timers", "close-client null"],
  "arm is lost": ["leaving", ...LOST],
  "stale arm close": ["live", "stale"],
  "decided elsewhere": ["leaving", ...TIMERS],
  "decided here": SAME,
  drain: ["leaving", ...DRAINING],
  "leave is due": SAME,
  "leave cap": SAME,
  limit: ["closing", "cancel-timers", "close-client 1008 rate", "close-arm 1001"],
};
const LEAVING: Rows = {
  "client turn": ["leaving", "to-arm"],
  "client frame": ["leaving", "to-arm"],
  "arm final": ["leaving", "to-client"],
  "arm frame": ["leaving", "to-client"],
  "stale arm frame": ["leaving", "stale"],
  "client closes 1000": ["closed", "cancel-timers", "close-arm 1000 bye"],
  "client vanishes": ["closed", "cancel-timers", "close-arm 1001"],
  "arm closes intended": ["closing", "cancel-timers", "close-client 1008 no"],
  "arm closes without a code": ["closing", "cancel-timers", "close-client null"],
  "arm is lost": ["leaving", "pause-client"],
  "stale arm close": ["leaving", "stale"],
  "decided elsewhere": SAME,
  "decided here": ["live", "cancel-timers"],
  drain: ["leaving", ...DRAINING],
  "leave is due": ["closing", ...MOVED],
  "leave cap": ["closing", ...MOVED],
  limit: ["closing", "cancel-timers", "close-client 1008 rate", "close-arm 1001"],
};
/** Nothing of the arm's side or of time matters once the client's socket is told to go. */
const UNMOVED = {
  "arm closes intended": SAME,
  "arm closes without a code": SAME,
  "arm is lost": SAME,
  "decided elsewhere": SAME,
  "decided here": SAME,
  drain: SAME,
  "leave is due": SAME,
  "leave cap": SAME,
  limit: SAME,
} as const;

/** Every (phase, event) pair; a pair that is missing does not compile. */
const TABLE: { readonly [S in keyof typeof STATES]: Rows } = {
  live: LIVE,
  "live in a turn": LIVE,
  leaving: LEAVING,
  "leaving, due, in a turn": {
    ...LEAVING,
    "client turn": ["leaving", "dropped leaving"],
    "arm final": ["closing", "to-client", ...MOVED],
    "arm is lost": ["closing", ...RETRY],
    "leave is due": SAME,
  },
  "leaving, leg lost": {
    ...LEAVING,
    "client turn": ["leaving", "dropped leg_lost"],
    "client frame": ["leaving", "dropped leg_lost"],
    "client closes 1000": ["closed", "cancel-timers"],
    "client vanishes": ["closed", "cancel-timers"],
    "decided here": SAME,
    "leave is due": ["closing", ...RETRY],
    "leave cap": ["closing", ...RETRY],
    limit: ["closing", "cancel-timers", "close-client 1008 rate"],
  },
  closing: {
    ...UNMOVED,
    "client turn": ["closing", "dropped closing"],
    "client frame": ["closing", "dropped closing"],
    "arm final": ["closing", "dropped closing"],
    "arm frame": ["closing", "dropped closing"],
    "stale arm frame": ["closing", "stale"],
    "client closes 1000": ["closed", "cancel-timers"],
    "client vanishes": ["closed", "cancel-timers"],
    "stale arm close": ["closing", "stale"],
  },
  closed: {
    ...UNMOVED,
    "client turn": ["closed", "dropped closing"],
    "client frame": ["closed", "dropped closing"],
    "arm final": ["closed", "dropped closing"],
    "arm frame": ["closed", "dropped closing"],
    "stale arm frame": ["closed", "stale"],
    "client closes 1000": SAME,
    "client vanishes": SAME,
    "stale arm close": ["closed", "stale"],
  },
};

for (const [stateName, rows] of Object.entries(TABLE)) {
  test(`a session that is ${stateName} answers every event as the table says`, () => {
    const state = STATES[stateName as keyof typeof STATES];
    for (const [eventName, row] of Object.entries(rows)) {
      const after = run(state, EVENTS[eventName as keyof typeof EVENTS]);
      const [phase, ...effects] = row === SAME ? [state.phase] : row;
      assert.deepEqual([after.state.phase, ...after.effects], [phase, ...effects], eventName);
    }
  });
}

test("a leg lost in a drain or after a decision keeps the moment and the cap, and nothing brings the session back", () => {
  for (const leave of [DRAIN, decided("candidate")]) {
    const leaving = run(live, leave).state;
    const lost = run(leaving, armClosed(1006));
    assert.deepEqual(lost.effects, ["pause-client"]);
    assert.equal(run(lost.state, decided("control")).state.phase, "leaving");
    assert.deepEqual(run(lost.state, DUE).effects, [...RETRY]);
  }
});

test("the close the client made reaches the arm with the same code, and reserved codes never do", () => {
  for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4001, 4999]) {
    assert.deepEqual(run(live, clientClosed(code, "why")).effects, ["cancel-timers", `close-arm ${code} why`]);
  }
  assert.deepEqual(run(live, clientClosed(1005)).effects, ["cancel-timers", "close-arm null"]);
  for (const code of [1004, 1006, 1015, 2999, 5000]) {
    assert.deepEqual(run(live, clientClosed(code, "why")).effects, ["cancel-timers", "close-arm 1001"]);
  }
});

test("a reserved code is never passed on, even when the codec means it", () => {
  const greedy = startSession("control", { ...tinyCodec, isIntended: () => true });
  for (const code of [1004, 1006, 1015])
    assert.deepEqual(run(greedy, armClosed(code)).effects, [...LOST], String(code));
  assert.deepEqual(run(greedy, armClosed(1011, "x")).effects, ["cancel-timers", "close-client 1011 x"]);
});

test("without a codec the closes that mean the same behind a proxy pass, all others are lost legs", () => {
  const raw = startSession("control", null);
  for (const code of [1000, 1003, 1007, 1008, 1009, 4000, 4403, 4999]) {
    assert.deepEqual(run(raw, armClosed(code, "x")).effects, ["cancel-timers", `close-client ${code} x`]);
  }
  for (const code of [1001, 1002, 1006, 1010, 1011, 1012, 1013, 1014, 3000]) {
    assert.deepEqual(run(raw, armClosed(code, "x")).effects, [...LOST], String(code));
  }
});

test("a codec that throws switches itself off and the frame still passes", () => {
  for (const [name, codec] of Object.entries(brokenCodecs)) {
    const started = startSession("control", codec);
    if (name === "start") assert.equal(started.codec, null);
    const sent = run(started, fromClient("turn"));
    assert.ok(sent.effects.includes("to-arm"), name);
    const answered = run(sent.state, fromArm("final"));
    assert.ok(answered.effects.includes("to-client"), name);
    const away = run(answered.state, decided("candidate"), DUE);
    assert.deepEqual(
      away.effects.filter((one) => one.startsWith("close")),
      ["close-client 1012 handoff:retry", "close-arm 4001 handoff"],
    );
  }
  const offs = run(live, fromClient("throw"));
  assert.deepEqual(offs.effects, ["codec-off", "to-arm"]);
  assert.equal(offs.state.codec, null);
  assert.deepEqual(run(live, fromArm("throw")).effects, ["codec-off", "to-client"]);
});

test("a session that waits for the end of a turn goes when its codec throws: nobody can tell the end any more", () => {
  const waiting = STATES["leaving, due, in a turn"];
  assert.deepEqual(run(waiting, fromArm("throw")).effects, ["codec-off", "to-client", ...MOVED]);
  assert.deepEqual(run(waiting, fromClient("throw")).effects, ["codec-off", "to-arm", ...MOVED]);
});

test("an intended close is recognised without the codec once it is off", () => {
  const state = startSession("control", brokenCodecs.isIntended);
  assert.deepEqual(run(state, armClosed(1008, "no")).effects, ["codec-off", "cancel-timers", "close-client 1008 no"]);
});

const anyEvent: fc.Arbitrary<SessionEvent> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("turn", "hello", "throw").map(fromClient) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom("final", "push", "throw"), fc.constantFrom(1, 1, 1, 0, 2))
      .map(([text, gen]) => fromArm(text, gen)),
  },
  fc.constantFrom(1000, 1001, 1005, 1006, 1012, 4000).map((code) => clientClosed(code)),
  fc
    .tuple(fc.constantFrom(1000, 1005, 1006, 1008, 1011, 4001), fc.constantFrom(1, 0))
    .map(([code, gen]) => armClosed(code, "", gen)),
  { weight: 2, arbitrary: fc.constantFrom("control" as const, "candidate" as const).map(decided) },
  fc.constantFrom(DRAIN, LIMIT),
  { weight: 2, arbitrary: fc.constantFrom(DUE, CAP) },
);
const anyRun = fc.array(anyEvent, { maxLength: 40 });
const anyStart = fc.constantFrom(live, startSession("candidate", tinyCodec), startSession("control", null));

/** Runs the events and hands each step to `check`. */
function follow(
  start: SessionState,
  events: readonly SessionEvent[],
  check: (before: SessionState, event: SessionEvent, after: SessionState, effects: readonly Effect[]) => void,
): void {
  let state = start;
  for (const event of events) {
    const [next, effects] = step(state, event);
    check(state, event, next, effects);
    state = next;
  }
}

const has = (effects: readonly Effect[], ...types: Effect["type"][]): boolean =>
  effects.some((effect) => types.includes(effect.type));

test("every frame is relayed once, or dropped with a reason, or stale, and never to the side it came from", () => {
  fc.assert(
    fc.property(anyStart, anyRun, (start, events) =>
      follow(start, events, (_before, event, _after, effects) => {
        if (event.type !== "client-frame" && event.type !== "arm-frame") {
          assert.ok(!has(effects, "to-arm", "to-client", "dropped"));
          return;
        }
        const onward = event.type === "client-frame" ? "to-arm" : "to-client";
        const fates = effects.filter(({ type }) => ["to-arm", "to-client", "dropped", "stale"].includes(type));
        assert.equal(fates.length, 1);
        assert.ok([onward, "dropped", "stale"].includes((fates[0] as Effect).type));
      }),
    ),
    { numRuns: 2_000 },
  );
});

test("nothing is sent, timed or closed once the session is closed", () => {
  fc.assert(
    fc.property(anyStart, anyRun, (start, events) =>
      follow(start, events, (before, _event, after, effects) => {
        if (before.phase !== "closed") return;
        assert.equal(after.phase, "closed");
        assert.ok(!has(effects, "to-arm", "to-client", "close-client", "close-arm", "timer", "pause-client"));
      }),
    ),
    { numRuns: 2_000 },
  );
});

test("each side is closed once at most, and the arm is never left open behind a closed client", () => {
  fc.assert(
    fc.property(anyStart, anyRun, (start, events) => {
      let clientCloses = 0;
      let armCloses = 0;
      let armGone = false;
      follow(start, events, (_before, event, after, effects) => {
        if (event.type === "arm-closed" && event.gen === 1) armGone = true;
        clientCloses += effects.filter(({ type }) => type === "close-client").length;
        armCloses += effects.filter(({ type }) => type === "close-arm").length;
        if (after.phase === "closed") assert.ok(armGone || armCloses === 1);
      });
      assert.ok(clientCloses <= 1 && armCloses <= 1);
    }),
    { numRuns: 2_000 },
  );
});

test("a socket whose decision changed is closed 1012 only when no turn is open, at its cap, or with its leg", () => {
  fc.assert(
    fc.property(anyStart, anyRun, (start, events) =>
      follow(start, events, (before, event, after, effects) => {
        const retry = effects.find((effect) => effect.type === "close-client" && effect.code === 1012);
        if (!retry || before.leave?.cause !== "decision" || event.type === "leave-cap") return;
        if (event.type === "arm-closed") return; // nobody is left to end the turn
        assert.equal(before.phase, "leaving");
        const open = after.codec === null ? 0 : after.codec.openTurns(after.codecState);
        assert.equal(open, 0);
        assert.ok(event.type === "leave-due" || before.leave.isDue);
      }),
    ),
    { numRuns: 3_000, examples: [[live, [fromClient("turn"), decided("candidate"), DUE, armClosed(1006)]]] },
  );
});

test("a socket that is decided back before it left stays, as if nothing had been", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(fromClient("turn"), fromArm("final"), fromArm("push")), { maxLength: 10 }),
      (frames) => {
        const before = run(live, ...frames).state;
        const after = run(before, decided("candidate"), decided("control")).state;
        assert.deepEqual(after, before);
        assert.deepEqual(step(after, DUE), [after, []], "a late timer does nothing");
      },
    ),
  );
});

test("an event of another generation changes nothing", () => {
  fc.assert(
    fc.property(anyStart, anyRun, fc.integer({ min: 2, max: 9 }), (start, events, gen) => {
      let state = start;
      for (const event of events) [state] = step(state, event);
      for (const stale of [fromArm("final", gen), armClosed(1011, "x", gen)]) {
        const [after, effects] = step(state, stale);
        assert.equal(after, state);
        assert.deepEqual(effects.map(show), ["stale"]);
      }
    }),
  );
});

test("a frame that only passes makes no new state and no new list of effects", () => {
  const [first, toArm] = step(live, fromClient("hello"));
  const [second, again] = step(first, fromClient("hello"));
  assert.equal(first, live);
  assert.equal(second, live);
  assert.equal(toArm, again);
});
