// All documents that are open and mirrored, with their counts for `yjs_documents` (shadow §15).
import type { Verdict } from "../verdict.ts";
import type { DocumentView } from "./documentView.ts";
import { addLosses, type DocumentEvent, type Moment, noLosses, type PairLosses } from "./documentEvent.ts";
import { DocumentPair, type PairOptions } from "./documentPair.ts";
import { DOCUMENTS_LIMITS, type DocumentsLimits } from "./limits.ts";

export interface Said {
  readonly document: string;
  readonly verdict: Verdict;
  /** Of documents that differ. */
  readonly view: DocumentView | null;
}

/** shadow §15; a document of which nothing more is said because of a bound is in none. */
export type DocumentCounts = Readonly<Record<"converged" | "lagging" | "diverged", number>>;

export class Documents {
  readonly #options: PairOptions;
  readonly #limits: DocumentsLimits;
  readonly #pairs = new Map<string, DocumentPair>();
  readonly #losses = noLosses();
  #bytes = 0;

  constructor(options: PairOptions, limits: DocumentsLimits = DOCUMENTS_LIMITS) {
    this.#options = options;
    this.#limits = limits;
  }

  /** Gives the verdict that it brought about. A document begins with its first socket. */
  take(document: string, event: DocumentEvent, moment: Moment): Said | null {
    let pair = this.#pairs.get(document);
    if (pair === undefined) {
      if (event.type !== "joined") {
        if (event.type === "sent" || event.type === "received") this.#losses.ignored += 1;
        return null;
      }
      if (this.#pairs.size >= this.#limits.documents || this.#bytes >= this.#limits.bytes) {
        return { document, verdict: { name: "not_compared", reason: "budget" }, view: null };
      }
      pair = new DocumentPair(this.#options, moment);
      this.#pairs.set(document, pair);
    }
    return this.#with(document, pair, () => pair.take(event, moment));
  }

  /** Checks what is due. */
  tick(moment: Moment): readonly Said[] {
    const said: Said[] = [];
    for (const [document, pair] of this.#pairs) {
      if ((pair.dueAtMs ?? Number.POSITIVE_INFINITY) > moment.atMs) continue;
      const one = this.#with(document, pair, () => pair.tick(moment));
      if (one !== null) said.push(one);
    }
    return said;
  }

  #with(document: string, pair: DocumentPair, run: () => Verdict | null): Said | null {
    const before = pair.bytes;
    const verdict = run();
    const view = pair.takeView();
    this.#bytes += pair.bytes - before;
    if (pair.isEnded) {
      this.#pairs.delete(document);
      this.#bytes -= pair.bytes;
      addLosses(this.#losses, pair.losses);
    }
    return verdict === null ? null : { document, verdict, view: verdict.name === "different" ? view : null };
  }

  /** When `tick` has something to do; null: not before the next event. */
  get dueAtMs(): number | null {
    let earliest: number | null = null;
    for (const { dueAtMs } of this.#pairs.values()) {
      if (dueAtMs !== null && (earliest === null || dueAtMs < earliest)) earliest = dueAtMs;
    }
    return earliest;
  }

  get counts(): DocumentCounts {
    const counts = { converged: 0, lagging: 0, diverged: 0, lost: 0 };
    for (const { phase } of this.#pairs.values()) counts[phase] += 1;
    const { converged, lagging, diverged } = counts;
    return { converged, lagging, diverged };
  }

  /** Comparisons that have begun and have no verdict yet (A1). */
  get openCount(): number {
    return [...this.#pairs.values()].filter(({ isOpen }) => isOpen).length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What was not compared, of all documents so far. */
  get losses(): Readonly<PairLosses> {
    const sum = { ...this.#losses };
    for (const { losses } of this.#pairs.values()) addLosses(sum, losses);
    return sum;
  }
}
