// Copies carry the ids that their arm knows (shadow M3): what stands for what is learnt from judgements, and waited for.
import type { Arm, Clock } from "../../kernel/index.ts";
import { IdentityMap } from "../identity/identityMap.ts";
import { createRewriter, type IdTemplate, type Rewriter } from "../identity/rewrite.ts";
import type { CopyRequest, IdPair } from "./messages.ts";
import type { ShadowSettings } from "./shadowSettings.ts";

/** shadow M3. */
export const IDENTITY_MS = 5_000;
const LOOK_MS = 50;

export interface RenamingOptions {
  readonly clock: Clock;
  readonly templates: readonly IdTemplate[];
  onIdentityWait(): void;
}

export interface Renamed {
  readonly target: string;
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** Ids that were given their other name, as the served arm calls them. */
  readonly used: readonly string[];
}

export class Renaming {
  readonly #options: RenamingOptions;
  readonly #ids: IdentityMap;
  #isOn = false;

  constructor(options: RenamingOptions) {
    this.#options = options;
    this.#ids = new IdentityMap({ now: () => options.clock.monotonic() });
  }

  configure({ isLearningIds, rules }: ShadowSettings): void {
    this.#isOn = isLearningIds === true || rules.some(({ isId }) => isId === true);
  }

  /** Ids may differ: they are learnt, or rules say where they stand. */
  get isOn(): boolean {
    return this.#isOn;
  }

  learn(group: string, pairs: readonly IdPair[]): void {
    for (const [control, candidate] of pairs) this.#ids.learn(group, control, candidate, "learnt");
  }

  /** For what goes to `arm`. */
  rewriterFor(group: string, arm: Arm): Rewriter {
    const ids = {
      nameOf: (id: string) => this.#ids.idOn(arm, group, id),
      isAwaited: (id: string) => this.#ids.isAwaited(group, id),
    };
    return createRewriter(ids, this.#options.templates);
  }

  /** Null: an id of it is known to the served arm only, and its other name did not come (shadow M3). */
  async rename(
    { target, body }: Pick<CopyRequest, "target" | "body">,
    group: string,
    arm: Arm,
  ): Promise<Renamed | null> {
    if (!this.#isOn) return { target, body, used: [] };
    const { clock, onIdentityWait } = this.#options;
    const rewriter = this.rewriterFor(group, arm);
    const endMs = clock.monotonic() + IDENTITY_MS;
    for (let isFirst = true; ; isFirst = false) {
      const [path, json] = [
        rewriter.target(target),
        body === null ? null : rewriter.json(Buffer.from(body.buffer).toString("utf8")),
      ];
      if (path.awaited.length === 0 && (json?.awaited.length ?? 0) === 0) {
        const isChanged = json !== null && json.used.length > 0;
        const bytes = isChanged ? Uint8Array.from(Buffer.from(json.value, "utf8")) : body;
        return { target: path.value, body: bytes, used: [...path.used, ...(json?.used ?? [])] };
      }
      if (isFirst) onIdentityWait();
      if (clock.monotonic() >= endMs) return null;
      await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
    }
  }
}
