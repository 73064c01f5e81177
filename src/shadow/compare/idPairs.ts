// The two arms' names for one thing (shadow §6), as one comparison asks for them. Raw ids: nothing of it is stored.
import type { Arm } from "../../kernel/index.ts";

export interface IdPair {
  readonly control: string;
  readonly candidate: string;
  /** Declared, or a call that carried it has fared alike on both arms (M4). */
  readonly isFirm: boolean;
}

export interface IdPairs {
  /** No pair is known of anybody: nobody needs to look. */
  readonly isEmpty: boolean;
  /** `learnt`: two texts that look like ids at one path are a pair; otherwise only where a rule calls them ids (M1). */
  readonly mode: "declared" | "learnt";
  /** Both replies are good: what is met here may be kept. */
  readonly mayLearn: boolean;
  find(arm: Arm, id: string): IdPair | null;
  learn(control: string, candidate: string, isDeclared: boolean): void;
  /** One id for two things (M4). */
  conflict(): void;
}
