// Documents that mirrored sockets share (shadow §11): by unit, surface and the arm that serves, for rules may ask which one that is.
import type { Arm, Clock } from "../../kernel/index.ts";
import type { RoutePlan } from "../plans.ts";
import type { DocumentCodec, ShadowApplication } from "../ports.ts";
import type { RuleBook } from "../rules/ruleBook.ts";
import type { Verdict } from "../verdict.ts";
import type { DocumentEvent } from "../yjs/documentEvent.ts";
import { Documents, type Said } from "../yjs/documents.ts";
import type { UnitRules } from "./talk.ts";

export interface TalkDocumentsOptions {
  readonly clock: Clock;
  readonly application: Pick<ShadowApplication, "conditions">;
  onJudged(plan: RoutePlan, verdict: Verdict): void;
  onDiverged(plan: RoutePlan, group: string): void;
}

/** Documents that are judged by the same rules. */
interface Shelf {
  readonly documents: Documents;
  readonly shadow: Arm;
  readonly rules: RuleBook;
  /** Of the newest socket. */
  of: UnitRules;
  sockets: number;
}

/** One socket of a document. */
export interface DocumentSocket {
  tell(event: DocumentEvent, atMs: number): void;
  /** Nothing more comes of it. */
  close(): void;
}

export type DocumentCounts = Readonly<Record<"converged" | "lagging" | "diverged", number>>;

export class TalkDocuments {
  readonly #options: TalkDocumentsOptions;
  readonly #shelves = new Map<string, Shelf>();
  /** Other rules are in force by now; their sockets are still open. */
  readonly #older = new Set<Shelf>();

  constructor(options: TalkDocumentsOptions) {
    this.#options = options;
  }

  get counts(): DocumentCounts {
    const sum = { converged: 0, lagging: 0, diverged: 0 };
    for (const { documents } of this.#all) {
      const { converged, lagging, diverged } = documents.counts;
      sum.converged += converged;
      sum.lagging += lagging;
      sum.diverged += diverged;
    }
    return sum;
  }

  socket(of: UnitRules, codec: DocumentCodec, shadow: Arm, document: string): DocumentSocket {
    const shelf = this.#shelf(of, codec, shadow);
    shelf.sockets += 1;
    return {
      tell: (event, atMs) => {
        const said = shelf.documents.take(document, event, { atMs, nowMs: this.#options.clock.now() });
        if (said !== null) this.#said(shelf, said);
      },
      close: () => void (shelf.sockets -= 1),
    };
  }

  get #all(): readonly Shelf[] {
    return [...this.#older, ...this.#shelves.values()];
  }

  tick(nowMs: number): void {
    const moment = { atMs: nowMs, nowMs };
    for (const shelf of this.#all) {
      for (const said of shelf.documents.tick(moment)) this.#said(shelf, said);
    }
    for (const shelf of this.#older) {
      if (shelf.sockets === 0 && shelf.documents.dueAtMs === null) this.#older.delete(shelf);
    }
  }

  #shelf(of: UnitRules, codec: DocumentCodec, shadow: Arm): Shelf {
    const name = `${of.plan.unit} ${codec.surface} ${shadow}`;
    const known = this.#shelves.get(name);
    if (known !== undefined && known.rules === of.rules) {
      known.of = of;
      return known;
    }
    if (known !== undefined) this.#older.add(known);
    const { conditions } = this.#options.application;
    const body = of.rules.forMessage(codec.surface, "document").bodyFor(200);
    const documents = new Documents({
      rules: { roots: codec.roots, body, ...(codec.visible !== undefined && { visible: codec.visible }) },
      contextAt: (nowMs) => ({ delayMs: 0, nowMs, shadow, conditions, ids: null }),
    });
    const shelf = { documents, shadow, of, rules: of.rules, sockets: 0 };
    this.#shelves.set(name, shelf);
    return shelf;
  }

  #said({ of, shadow }: Shelf, { document, verdict, view }: Said): void {
    const { clock, onJudged, onDiverged } = this.#options;
    const group = document.slice(0, document.indexOf("\n"));
    const facts = { group, changesState: true, delayMs: 0, atMs: clock.now(), shadow };
    const judged = of.unit.add(of.plan, facts, verdict, () => (view === null ? {} : { document: view }));
    onJudged(of.plan, judged ?? { name: "not_compared", reason: "no_target" });
    if (of.unit.isDiverged(group)) onDiverged(of.plan, group);
  }
}
