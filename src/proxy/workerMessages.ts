import type { Config } from "../config/index.ts";
import type { FlagStateData } from "../flags/index.ts";
import type { SeatOrder, SeatReport } from "../kernel/index.ts";

/** Between the process that owns the decisions and the workers that serve (structured clones, never shared memory). */
export type ToWorker =
  | {
      readonly type: "start";
      readonly config: Config;
      readonly state: FlagStateData;
      readonly subjectKey: Uint8Array;
      readonly version: string;
      /** Whether data follows a subject, so that it must be asked where it sits. */
      readonly hasSeats: boolean;
    }
  | { readonly type: "state"; readonly state: FlagStateData }
  | { readonly type: "config"; readonly config: Config }
  | { readonly type: "ask"; readonly id: number; readonly what: "metrics" | "arms" }
  | { readonly type: "ask"; readonly id: number; readonly what: "sockets" | "remove-samples"; readonly subject: string }
  | { readonly type: "seat"; readonly order: SeatOrder }
  | { readonly type: "drain" };

export type ToPrimary =
  | { readonly type: "listening"; readonly address: string; readonly port: number }
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "seat"; readonly report: SeatReport }
  | { readonly type: "drained" };
