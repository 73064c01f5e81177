// What a codec tells of the sockets of a document, and what of it was not compared.
import type { Arm } from "../../kernel/index.ts";

/** A point in time on both clocks. */
export interface Moment {
  /** Monotonic ms. */
  readonly atMs: number;
  /** Epoch ms. */
  readonly nowMs: number;
}

/** What a codec tells of a socket. Its id is the same on both arms and is never used again. */
export type DocumentEvent =
  | { readonly type: "joined" | "left"; readonly arm: Arm; readonly socket: string }
  /** `sent`: by the client to the arm; `received`: by the client from the arm, an update or a full state. */
  | { readonly type: "sent" | "received"; readonly arm: Arm; readonly socket: string; readonly update: Uint8Array }
  /** Its conversation is compared no more: the shadow failed, or a queue was full. */
  | { readonly type: "forgotten"; readonly socket: string };

/** What came and was not compared. */
export interface PairLosses {
  /** Malformed updates of arms, and of clients. */
  malformed: number;
  sentMalformed: number;
  /** Updates that decode and fit nowhere. */
  unusable: number;
  /** Frames beyond a bound, of sockets that never joined, and those after the verdict. */
  ignored: number;
  /** Views that ended with updates under way, or that only one arm had. */
  cut: number;
}

export const noLosses = (): PairLosses => ({ malformed: 0, sentMalformed: 0, unusable: 0, ignored: 0, cut: 0 });

export function addLosses(sum: PairLosses, more: Readonly<PairLosses>): void {
  sum.malformed += more.malformed;
  sum.sentMalformed += more.sentMalformed;
  sum.unusable += more.unusable;
  sum.ignored += more.ignored;
  sum.cut += more.cut;
}
