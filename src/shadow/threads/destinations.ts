// Where copies for one arm go (shadow §3): its shadow target, and for reads without one its serving instances; and whether they may.
import type { Arm, Clock } from "../../kernel/index.ts";
import { Circuit } from "../mirror/circuit.ts";
import { CopyClient } from "../mirror/copyClient.ts";
import { type GuardState, probeGuard } from "../mirror/guardProbe.ts";
import { ShadowTokens } from "../mirror/shadowToken.ts";
import type { TargetState } from "./messages.ts";
import type { ArmSettings } from "./shadowSettings.ts";

/** Looked at again (shadow W2): a target may be replaced by one without a guard. */
const PROBE_SAFE_MS = 60_000;
const PROBE_AGAIN_MS = 2_000;
/** The longest that a copy may take, and some more: then nothing is under way any more. */
const RETIRE_MS = 40_000;

export interface DestinationOptions {
  readonly arm: Arm;
  readonly clock: Clock;
  onChange(): void;
  onEvent(event: string, level: "info" | "warn"): void;
}

export class Destination {
  readonly circuit: Circuit;
  readonly #options: DestinationOptions;
  readonly #settings: ArmSettings;
  readonly #target: CopyClient | null;
  readonly #serving: readonly CopyClient[];
  readonly #tokens: ShadowTokens | null;
  #guard: TargetState["guard"];
  #cancel = (): void => {};
  #isStopped = false;

  constructor(settings: ArmSettings, options: DestinationOptions) {
    const { arm, clock } = options;
    const { target, serving } = settings;
    this.#options = options;
    this.#settings = settings;
    this.#target = target === null ? null : new CopyClient({ origin: target.origin, arm, role: "shadow", clock });
    this.#serving = serving.map((origin) => new CopyClient({ origin, arm, role: "shadow", clock }));
    this.#tokens = target?.tokenKey == null ? null : new ShadowTokens(target.tokenKey, () => clock.now());
    this.#guard = target === null ? "none" : target.isGuarded ? "asking" : "safe";
    this.circuit = new Circuit({
      now: () => clock.monotonic(),
      onChange: (state, before) => {
        if (this.#isStopped) return;
        // A try that failed is no news (shadow I8).
        if (before === "closed") options.onEvent("shadow.circuit.open", "warn");
        else if (state === "closed") options.onEvent("shadow.circuit.closed", "info");
        options.onChange();
      },
    });
  }

  get state(): TargetState {
    const { state, restMs } = this.circuit;
    return { guard: this.#guard, circuit: state, restsUntilMs: restMs === 0 ? 0 : this.#options.clock.now() + restMs };
  }

  get inFlight(): number {
    return [...this.#serving, ...(this.#target === null ? [] : [this.#target])].reduce(
      (sum, one) => sum + one.inFlight,
      0,
    );
  }

  /** null: it has no target. */
  get targetOrigin(): string | null {
    return this.#settings.target?.origin ?? null;
  }

  get hasTarget(): boolean {
    return this.#target !== null;
  }

  start(): void {
    const { target } = this.#settings;
    if (target?.isGuarded === true) void this.#probe();
    else if (target !== null) this.#options.onEvent("shadow.target.safe", "info"); // its operator says so
  }

  /** One instance for one group; null: there is none. */
  clientFor(group: string, isAtTarget: boolean): CopyClient | null {
    if (isAtTarget) return this.#target;
    return this.#serving[part(group, this.#serving.length)] ?? null;
  }

  /** For the caller of a verified `Authorization`; null: the target takes none. */
  bearer(authorization: string): string | null {
    return this.#tokens?.for(authorization) ?? null;
  }

  /** It was made from the same settings: copies, circuit and guard may go on. */
  isOf(settings: ArmSettings): boolean {
    return JSON.stringify(settings) === JSON.stringify(this.#settings);
  }

  /** Another one takes its place: what is under way may end, and says nothing of the one behind it. */
  retire(onEnd: () => void): void {
    this.#isStopped = true;
    this.#cancel();
    this.#cancel = this.#options.clock.after(RETIRE_MS, () => {
      onEnd();
      void this.stop();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await Promise.all([...this.#serving, ...(this.#target === null ? [] : [this.#target])].map((one) => one.close()));
  }

  /** Both guards (shadow W2): the target refuses what is unmarked, the serving instances refuse marked writes. */
  async #probe(): Promise<void> {
    const target = this.#target;
    if (target === null) return;
    const asked = [probeGuard(target, "target"), ...this.#serving.map((one) => probeGuard(one, "serving"))];
    const states = await Promise.all(asked);
    if (this.#isStopped) return;
    // A serving instance that is away serves nobody either.
    const guard = states.includes("unsafe") ? "unsafe" : (states[0] as GuardState);
    if (guard !== this.#guard) {
      this.#guard = guard;
      this.#options.onEvent(`shadow.target.${guard}`, guard === "safe" ? "info" : "warn");
      this.#options.onChange();
    }
    this.#cancel = this.#options.clock.after(
      guard === "safe" ? PROBE_SAFE_MS : PROBE_AGAIN_MS,
      () => void this.#probe(),
    );
  }
}

/** FNV-1a; spreads groups over instances, the same way each time. */
function part(group: string, count: number): number {
  let h = 0x811c9dc5;
  for (let at = 0; at < group.length; at++) h = Math.imul(h ^ group.charCodeAt(at), 0x01000193);
  return count === 0 ? 0 : (h >>> 0) % count;
}
