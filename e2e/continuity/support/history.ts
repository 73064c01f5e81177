// Random histories of a few people who sit on one arm each, change arms, and leave rows behind; and what befalls the relay.
import fc from "fast-check";
import type { Habits } from "./courier.ts";
import type { Arm } from "../../../src/continuity/index.ts";

/** `at` picks one of what the person has at that moment. */
export type Act =
  | { readonly do: "add folder" | "rename folder"; readonly at: number; readonly name: string }
  | { readonly do: "drop folder" | "add session" | "drop session" | "say" | "log"; readonly at: number }
  | { readonly do: "draw"; readonly at: number; readonly object: string }
  | { readonly do: "erase"; readonly at: number; readonly by: Arm; readonly object: string };

export type Step =
  | Act
  | { readonly do: "flip" }
  /** At the arm that the person has left. */
  | { readonly do: "late"; readonly act: Act }
  | { readonly do: "relay" }
  | { readonly do: "crash"; readonly arm: Arm; readonly how: "no cursor" | "old cursor" | "no answer" | "restart" }
  | { readonly do: "deliver"; readonly arm: Arm; readonly habits: Habits };

export type History = readonly Step[];

const at = fc.nat(7);
const arm = fc.constantFrom<Arm>("control", "candidate");
const object = fc.constantFrom("a", "b", "c", "d");
const name = fc.constantFrom("one", "two", "Füße \u{1f9b6}", " ", "\u0000null");

const act = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("add folder" as const), at, name }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("rename folder" as const), at, name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop folder" as const), at }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("add session" as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop session" as const), at }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("say" as const, "log" as const), at }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("draw" as const), at, object }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("erase" as const), at, by: arm, object }) },
);

/** Rows of their own, and boards, which merge: nobody else writes them. */
const lateAlone = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant("add folder" as const), at, name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("add session" as const), at }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("draw" as const), at, object }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("erase" as const), at, by: arm, object }) },
);

const habits = fc.record({
  pageMax: fc.constantFrom(null, null, 1, 3),
  isShuffled: fc.boolean(),
  isTwice: fc.boolean(),
  isRepeating: fc.boolean(),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: act },
  { weight: 3, arbitrary: fc.constant({ do: "flip" as const }) },
  { weight: 2, arbitrary: lateAlone.map((one) => ({ do: "late" as const, act: one })) },
  { weight: 3, arbitrary: fc.constant({ do: "relay" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("crash" as const),
      arm,
      how: fc.constantFrom("no cursor" as const, "old cursor" as const, "no answer" as const, "restart" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("deliver" as const), arm, habits }) },
);

/** People side by side, for speed: they share the relay and what befalls it. */
export const PEOPLE = 2;

/** One writer a row at any time. */
export const oneWriter: fc.Arbitrary<readonly History[]> = fc.array(fc.array(step, { minLength: 4, maxLength: 14 }), {
  minLength: PEOPLE,
  maxLength: PEOPLE,
});

export interface Split {
  readonly before: readonly Act[];
  /** What each arm gets while neither hears of the other. */
  readonly control: readonly Act[];
  readonly candidate: readonly Act[];
}

const acts = fc.array(act, { minLength: 2, maxLength: 8 });
/** Rows that both arms write: no rule says so, but a job of the arm that was left may. */
export const twoWriters: fc.Arbitrary<readonly Split[]> = fc.array(
  fc.record({ before: acts, control: acts, candidate: acts }),
  { minLength: PEOPLE, maxLength: PEOPLE },
);
