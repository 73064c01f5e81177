// Sockets as the serving thread sees them (shadow S2): mirrored from their handshake, or not at all. The socket itself is no exchange:
// its handshake, turns and close are told when they are judged (shadow A1).
import { type Clock, otherArm } from "../../kernel/index.ts";
import type { LeavingLeg, SocketTap } from "../../proxy/ports.ts";
import type { Credits } from "../mirror/credits.ts";
import type { RoutePlan } from "../plans.ts";
import type { CompareItem, MirrorItem } from "../threads/messages.ts";
import type { Admission } from "./admission.ts";
import type { Groups } from "./groups.ts";
import type { OpenJob } from "./openJobs.ts";
import { ServedSocketTap } from "./socketTap.ts";
import { unseenSocket } from "./unseenSocket.ts";

export interface ServingSocketsOptions {
  readonly clock: Clock;
  readonly credits: Credits;
  readonly groups: Groups;
  readonly admission: Admission;
  toMirror(item: MirrorItem, bytes: Uint8Array<ArrayBuffer> | null): void;
  toCompare(item: CompareItem, bytes: Uint8Array<ArrayBuffer> | null): void;
  /** Reads of the group may be copied. */
  isNoted(plan: RoutePlan, group: string): boolean;
  onWrite(plan: RoutePlan, group: string): void;
  /** What had to be told of it could not be. */
  onFault(id: number): void;
}

const NOTHING = (): void => {};

export class ServingSockets {
  readonly #options: ServingSocketsOptions;
  readonly #taps = new Map<number, ServedSocketTap>();

  constructor(options: ServingSocketsOptions) {
    this.#options = options;
  }

  /** @throws when nobody was told of it */
  open({ id }: OpenJob, plan: RoutePlan, leg: LeavingLeg, group: string): SocketTap {
    const { clock, credits, groups, admission, toMirror, toCompare, onFault } = this.#options;
    const target = leg.targetFor(otherArm(leg.arm));
    const surface = plan.surface ?? "";
    const leaving = { leftAtMs: clock.now(), requestId: leg.requestId };
    const facts = { id, route: plan.id, group, served: leg.arm, isSafe: false, ...leaving, surface };
    toCompare({ kind: "opening", facts, document: `${group}\n${target.split("?")[0]}` }, null);
    const copy = { method: "GET", target, headers: leg.headers, body: null, hasSubject: true, servedFirstByteMs: null };
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
      onFault: () => onFault(id),
    });
    this.#taps.set(id, tap);
    tap.safely(() => toMirror({ kind: "open", facts, copy }, null));
    return tap;
  }

  /** null: nothing of its group is ever copied. */
  unseen(plan: RoutePlan, leg: LeavingLeg, group: string): SocketTap | null {
    const { clock, groups, admission, isNoted, onWrite } = this.#options;
    const isFollowed = admission.needsSeed(plan, leg);
    const mayBeRead = isNoted(plan, group);
    if (!isFollowed && !mayBeRead) return null;
    return unseenSocket({
      clock,
      onWrite: mayBeRead ? () => onWrite(plan, group) : NOTHING,
      onEnd: isFollowed ? groups.beginUnseen(plan.unit, group, leg.arm) : NOTHING,
    });
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
