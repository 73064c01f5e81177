// The seat of a subject: the arm at which its calls and sockets of one unit are served (handoff U1). It follows the
// decision by a handover, in which the processes that serve and the one that coordinates speak these words.
import type { Arm, Reason, Subject, UnitId } from "./arm.ts";

/** What changes arm as one. */
export interface SeatKey {
  readonly unit: UnitId;
  readonly subject: Subject;
}

/** From a process that serves. Every link keeps its order. */
export type SeatReport =
  /** Its decision is not where it knows the subject to sit. `downArms`: those that its probes find not ready. */
  | (SeatKey & { readonly type: "ask"; readonly downArms: readonly Arm[] })
  /** No turn is open there and no write under way. */
  | (SeatKey & { readonly type: "quiet"; readonly round: number })
  /** New calls wait there, the sockets are closed, and no write is under way. */
  | (SeatKey & { readonly type: "held"; readonly round: number });

/** To a process that serves. `round`: of one handover; answers of an older one are stale. */
export type SeatOrder =
  /** Serve at `from`, and say when it is quiet. */
  | (SeatKey & { readonly type: "settle"; readonly round: number; readonly from: Arm })
  /** Let new calls wait, close the sockets, and say when nothing is under way. `isForced`: wait for no turn and no write. */
  | (SeatKey & { readonly type: "hold"; readonly round: number; readonly to: Arm; readonly isForced: boolean })
  /** Serve here. `stayMs`: not to ask before, though the decision may be another; `reason`: why then. */
  | (SeatKey & { readonly type: "seat"; readonly arm: Arm; readonly stayMs: number; readonly reason: Reason })
  /** Whether any subject of this unit sits at the candidate: where none does, who is decided to control need not ask. */
  | { readonly type: "guests"; readonly unit: UnitId; readonly hasAny: boolean };
