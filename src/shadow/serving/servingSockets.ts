// Sockets as the serving thread sees them (shadow S2): mirrored from their handshake, or not at all. The socket itself is no exchange:
// its handshake, turns and close are told when they are judged (shadow A1).
import type { Clock } from "../../kernel/index.ts";
import type { LeavingLeg, SocketTap } from "../../proxy/ports.ts";
import type { Credits } from "../mirror/credits.ts";
import type { RoutePlan } from "../plans.ts";
import type { CompareItem, MirrorItem } from "../threads/messages.ts";
import { type Admission, OTHER } from "./admission.ts";
import type { Groups } from "./groups.ts";
import type { OpenJob } from "./openJobs.ts";
import { ServedSocketTap } from "./socketTap.ts";

export interface ServingSocketsOptions {
  readonly clock: Clock;
  readonly credits: Credits;
  readonly groups: Groups;
  readonly admission: Admission;
  toMirror(item: MirrorItem, bytes: Uint8Array<ArrayBuffer> | null): void;
  toCompare(item: CompareItem, bytes: Uint8Array<ArrayBuffer> | null): void;
}

const NOTHING = (): void => {};

export class ServingSockets {
  readonly #options: ServingSocketsOptions;
  readonly #taps = new Map<number, ServedSocketTap>();

  constructor(options: ServingSocketsOptions) {
    this.#options = options;
  }

  open({ id }: OpenJob, plan: RoutePlan, leg: LeavingLeg, group: string): SocketTap {
    const { clock, credits, groups, admission, toMirror, toCompare } = this.#options;
    const target = leg.targetFor(OTHER[leg.arm]);
    const surface = plan.surface ?? "";
    const facts = { id, route: plan.id, group, served: leg.arm, isSafe: false, leftAtMs: clock.now(), surface };
    toCompare({ kind: "opening", facts, document: `${group}\n${target.split("?")[0]}` }, null);
    const copy = { method: "GET", target, headers: leg.headers, body: null, hasSubject: true, servedFirstByteMs: null };
    toMirror({ kind: "open", facts, copy }, null);
    const isFollowed = admission.needsSeed(plan, leg);
    let ended = isFollowed ? groups.begin(plan.unit, group, leg.arm, false, true) : NOTHING;
    const tap = new ServedSocketTap({
      facts,
      credits,
      now: () => clock.now(),
      toMirror,
      toCompare,
      onFrame: () => {
        if (isFollowed) groups.frame(plan.unit, group, leg.arm, true);
      },
      // From here on it changes what nobody sees.
      onLost: () => {
        if (isFollowed) ended = groups.beginUnseen(plan.unit, group, leg.arm);
      },
      onEnd: () => ended(),
    });
    this.#taps.set(id, tap);
    return tap;
  }

  /** It changes what only the served arm has: its group is at rest when it has closed (shadow J1). */
  unseen(plan: RoutePlan, leg: LeavingLeg, group: string): SocketTap | null {
    const { groups, admission } = this.#options;
    if (!admission.needsSeed(plan, leg)) return null;
    const ended = groups.beginUnseen(plan.unit, group, leg.arm);
    return { opened: NOTHING, refused: ended, failed: ended, fromClient: NOTHING, fromArm: NOTHING, closed: ended };
  }

  taken(id: number, bytes: number): void {
    this.#taps.get(id)?.taken(bytes);
  }

  has(id: number): boolean {
    return this.#taps.has(id);
  }

  /** Its conversation is judged. The copy may still be open, where the served side never was. */
  end(id: number): void {
    const tap = this.#taps.get(id);
    if (tap === undefined) return;
    this.#taps.delete(id);
    tap.release();
    this.#options.toMirror({ kind: "give-up", id }, null);
  }

  endAll(): void {
    for (const id of this.#taps.keys()) this.end(id);
  }
}
