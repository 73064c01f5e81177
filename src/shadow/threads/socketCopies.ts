// The sockets that are open at shadow targets, by the id of their job (shadow S2).
import { type Arm, type Clock, otherArm, type UnitId } from "../../kernel/index.ts";
import type { ShadowCodec, SocketFrame } from "../conversation/codec.ts";
import type { Rewriter } from "../identity/rewrite.ts";
import { type HeaderList, pairsIn } from "../headerList.ts";
import type { GroupQueues } from "../mirror/groupQueue.ts";
import { guardReason } from "../mirror/guardProbe.ts";
import type { RoutePlan } from "../plans.ts";
import type { MirrorMode } from "../ports.ts";
import type { NotComparedReason } from "../words.ts";
import type { Destination } from "./destinations.ts";
import type { CopyItem, CopyRequest, MirrorItem } from "./messages.ts";
import type { ShadowSettings } from "./shadowSettings.ts";
import { SocketCopy } from "./socketCopy.ts";

type Opening = Extract<MirrorItem, { kind: "open" }>;

export interface SocketCopiesOptions {
  readonly clock: Clock;
  readonly queues: GroupQueues;
  destination(arm: Arm): Destination;
  /** null: every frame may leave at once. */
  codecFor(surface: string, isPlain: boolean, settings: ShadowSettings | null): ShadowCodec | null;
  headersOf(copy: CopyRequest, plan: RoutePlan, destination: Destination): HeaderList;
  /** null: ids are the same on both arms. */
  rewriterFor(group: string, arm: Arm): Rewriter | null;
  post(item: CopyItem, bytes: readonly Uint8Array[]): void;
  onCopy(unit: UnitId, mode: MirrorMode): void;
}

interface Open {
  readonly copy: SocketCopy;
  readonly opening: Opening;
  readonly origin: string;
}

export class SocketCopies {
  readonly #options: SocketCopiesOptions;
  readonly #open = new Map<number, Open>();
  #settings: ShadowSettings | null = null;

  constructor(options: SocketCopiesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Whoever may not be there any more, or has another target now, is cut (shadow W1). */
  configure(settings: ShadowSettings): void {
    this.#settings = settings;
    for (const { copy, opening, origin } of this.#open.values()) {
      const { route, served } = opening.facts;
      if (settings.plans.get(route)?.mode !== "sandbox") copy.lose("unsafe_write");
      else if (settings.arms[otherArm(served)].target?.origin !== origin) copy.lose("no_target");
    }
  }

  take(item: Exclude<MirrorItem, { kind: "arrive" | "drop" | "offer" }>): void {
    if (item.kind === "open") {
      const reason = this.#dial(item);
      if (reason !== null) this.#options.post({ kind: "copy-lost", id: item.facts.id, reason }, []);
      return;
    }
    const copy = this.#open.get(item.id)?.copy;
    if (item.kind === "client") copy?.client(item);
    else if (item.kind === "closed") copy?.servedClosed(item);
    else copy?.cut();
  }

  lose(id: number, reason: NotComparedReason): void {
    const copy = this.#open.get(id)?.copy;
    if (copy === undefined) this.#options.post({ kind: "copy-lost", id, reason }, []);
    else copy.lose(reason);
  }

  cutAll(): void {
    for (const { copy } of this.#open.values()) copy.cut();
  }

  /** A handshake is a barrier: what it opens may rest on the writes before it (shadow S2, S4). Null: it is on its way. */
  #dial(opening: Opening): NotComparedReason | null {
    const { facts, copy: request } = opening;
    const { clock, queues, post, codecFor, onCopy, destination: destinationOf, headersOf, rewriterFor } = this.#options;
    const plan = this.#settings?.plans.get(facts.route);
    const arm = otherArm(facts.served);
    const destination = destinationOf(arm);
    const origin = destination.targetOrigin;
    if (plan === undefined || origin === null) return "no_target";
    if (plan.mode !== "sandbox") return "unsafe_write";
    const reason = guardReason(destination.state.guard);
    if (reason !== null) return reason;
    const report = destination.circuit.pass();
    if (report === null) return "circuit_open";
    const rewriter = rewriterFor(facts.group, arm);
    const path = rewriter === null ? request.target : rewriter.target(request.target).value;
    const headers = headersOf(request, plan, destination);
    const copy = new SocketCopy({
      id: facts.id,
      clock,
      url: origin.replace(/^http/, "ws") + path,
      headers: ofHandshake(headers),
      codec: codecFor(facts.surface, plan.isPlain, this.#settings),
      rewrite: (frame) => renamed(frame, rewriter),
      post,
      turn: (run) => {
        const place = queues.arrive(facts.group, true);
        place.ready(run);
        return place;
      },
      onHandshake: report,
      onEnd: () => void this.#open.delete(facts.id),
    });
    this.#open.set(facts.id, { copy, opening, origin });
    onCopy(plan.unit, plan.mode);
    queues.arrive(facts.group, true).ready(() => copy.open());
    return null;
  }
}

/** Null: an id in it is awaited (shadow M3). */
function renamed(frame: SocketFrame, rewriter: Rewriter | null): SocketFrame | null {
  if (rewriter === null || frame.isBinary) return frame;
  const { value, used, awaited } = rewriter.json(Buffer.from(frame.data).toString("utf8"));
  if (awaited.length > 0) return null;
  return used.length === 0 ? frame : { isBinary: false, data: Buffer.from(value, "utf8") };
}

/** Those of the WebSocket protocol its client writes itself (RFC 6455 §4.1). */
const ofHandshake = (headers: HeaderList): HeaderList =>
  [...pairsIn(headers)].filter(([name]) => !name.startsWith("sec-websocket-") && name !== "accept-encoding").flat();
