// The steps of a board's work as they go to a thread and come back (largeBoards.ts, boardThread.ts).
import type { BoardWork } from "./boardWork.ts";

export type Step = keyof BoardWork;

export interface BoardCall {
  readonly step: Step;
  readonly args: readonly unknown[];
}

export type BoardAnswer = { readonly value: unknown } | { readonly failure: string };

export function perform(work: BoardWork, { step, args }: BoardCall): BoardAnswer {
  try {
    return { value: (work[step] as (...args: readonly unknown[]) => unknown).apply(work, args as unknown[]) };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : "unknown" };
  }
}

/** Buffers that go over without a copy: those that nothing else is in. */
export function buffersOf(value: unknown): ArrayBuffer[] {
  const parts = Array.isArray(value) ? (value as unknown[]) : [value];
  const whole = parts.filter(
    (part): part is Uint8Array<ArrayBuffer> =>
      part instanceof Uint8Array && part.buffer instanceof ArrayBuffer && part.length === part.buffer.byteLength,
  );
  return [...new Set(whole.map(({ buffer }) => buffer))];
}
