import type { FlagProblem } from "./ports.ts";

/** What is wrong at the moment, told once when it begins and not again while it lasts. */
export interface Problems {
  begin(code: FlagProblem["code"], message: string, flag?: string): void;
  end(code: FlagProblem["code"], flag?: string): void;
  readonly list: readonly FlagProblem[];
}

export function createProblems(onProblem: (problem: FlagProblem) => void): Problems {
  const active = new Map<string, FlagProblem>();
  const keyOf = (code: string, flag?: string): string => `${code} ${flag ?? ""}`;
  return {
    begin(code, message, flag) {
      const key = keyOf(code, flag);
      if (active.get(key)?.message === message) return;
      const problem: FlagProblem = Object.freeze({ code, message, flag: flag ?? null });
      active.set(key, problem);
      onProblem(problem);
    },
    end: (code, flag) => void active.delete(keyOf(code, flag)),
    get list() {
      return [...active.values()];
    },
  };
}
