// Two arms in memory behind the port: enough to see what the room does with feeds, cursors, copies and failures.
import type { Arm, Subject } from "../../kernel/index.ts";
import {
  type Applied,
  CarrierError,
  type CarrierFault,
  type Conflict,
  type Cursor,
  type Digest,
  type RowPrint,
  type StateCarrier,
} from "../ports.ts";

interface Row {
  readonly subject: Subject;
  readonly key: string;
  readonly value: string;
  readonly version: number;
  readonly origin: Arm;
  readonly seq: number;
}

class Store {
  readonly arm: Arm;
  readonly rows = new Map<string, Row>();
  seq = 0;
  /** Changes up to here are no longer in the feed. */
  horizon = 0;

  constructor(arm: Arm) {
    this.arm = arm;
  }

  write(subject: Subject, key: string, value: string): void {
    const version = (this.rows.get(key)?.version ?? 0) + 1;
    this.rows.set(key, { subject, key, value, version, origin: this.arm, seq: ++this.seq });
  }

  feed(after: Cursor): readonly Row[] {
    return [...this.rows.values()].filter(({ seq }) => seq > after).sort((a, b) => a.seq - b.seq);
  }

  apply(rows: readonly Row[]): Applied {
    let [applied, skipped] = [0, 0];
    const conflicts: Conflict[] = [];
    for (const row of rows) {
      const stored = this.rows.get(row.key);
      const isNewer =
        stored === undefined ||
        row.version > stored.version ||
        (row.version === stored.version && row.origin > stored.origin);
      const isOther = stored !== undefined && stored.origin !== row.origin && stored.value !== row.value;
      if (isOther && (!isNewer || stored.version === row.version)) {
        conflicts.push({ section: "rows", key: row.key, subject: row.subject });
      }
      if (isNewer) {
        this.rows.set(row.key, { ...row, seq: ++this.seq });
        applied += 1;
      } else skipped += 1;
    }
    return { applied, skipped, conflicts, refused: [] };
  }
}

export interface TwoArms {
  readonly carrier: StateCarrier;
  readonly control: Store;
  readonly candidate: Store;
  /** Every call of this kind fails from now on; null: it works again. */
  fail(call: keyof StateCarrier, fault: CarrierFault | null): void;
  /** Called within a relay step, after the apply: what happens there is between apply and cursor. */
  onApplied: () => void;
  /** Subjects copied, in order, and how many may be before it fails. */
  readonly copied: Subject[];
  copiesMax: number;
}

export function createTwoArms(): TwoArms {
  const [control, candidate] = [new Store("control"), new Store("candidate")];
  const storeOf = (arm: Arm): Store => (arm === "control" ? control : candidate);
  const otherOf = (arm: Arm): Store => (arm === "control" ? candidate : control);
  const faults = new Map<keyof StateCarrier, CarrierFault>();
  const entered = (call: keyof StateCarrier, arm: Arm): void => {
    const fault = faults.get(call);
    if (fault !== undefined) throw new CarrierError(fault, arm, `${call} fails`);
  };
  const rowsOf = (subject: Subject, arm: Arm): readonly Row[] =>
    storeOf(arm)
      .feed(0)
      .filter((row) => row.subject === subject);
  const printsOf = (subject: Subject, arm: Arm): readonly RowPrint[] =>
    rowsOf(subject, arm)
      .map(({ key, value, version }) => ({ section: "rows", key, fingerprint: `${value} ${version}` }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  const digestOf = (subject: Subject, arm: Arm): Digest => {
    const prints = printsOf(subject, arm);
    const fullHash = JSON.stringify(prints);
    const hash = JSON.stringify(rowsOf(subject, arm).map(({ key, value }) => [key, value]));
    const sections = new Map([["rows", { count: prints.length, hash, fullHash }]]);
    return { cursor: storeOf(arm).seq, hash, fullHash, sections };
  };
  const arms: TwoArms = {
    control,
    candidate,
    copied: [],
    copiesMax: Number.POSITIVE_INFINITY,
    onApplied: () => undefined,
    fail: (call, fault) => void (fault === null ? faults.delete(call) : faults.set(call, fault)),
    carrier: {
      async relay(from, after, rowsMax) {
        entered("relay", from);
        const store = storeOf(from);
        if (after < store.horizon) throw new CarrierError("expired", from, "the cursor is too old");
        const behind = store.feed(after);
        const page = behind.slice(0, rowsMax);
        const applied = otherOf(from).apply(page.filter(({ origin }) => origin === from));
        arms.onApplied();
        const hasMore = behind.length > page.length;
        return { ...applied, cursor: hasMore ? (page.at(-1)?.seq ?? after) : store.seq, hasMore, blockedBy: null };
      },
      async carry(subject, from, after) {
        entered("carry", from);
        const own = storeOf(from)
          .feed(after)
          .filter((row) => row.subject === subject && row.origin === from);
        return { ...otherOf(from).apply(own), cursor: storeOf(from).seq };
      },
      async copy(subject, from) {
        entered("copy", from);
        if (arms.copied.length >= arms.copiesMax) throw new CarrierError("unavailable", from, "copy fails");
        arms.copied.push(subject);
        return { ...otherOf(from).apply(rowsOf(subject, from)), cursor: storeOf(from).seq };
      },
      async digest(subject, arm) {
        entered("digest", arm);
        return digestOf(subject, arm);
      },
      async rows(subject, arm) {
        entered("rows", arm);
        return printsOf(subject, arm);
      },
      async subjects(arm, after) {
        entered("subjects", arm);
        const all = [
          ...new Set(
            storeOf(arm)
              .feed(0)
              .map(({ subject }) => subject),
          ),
        ].sort();
        return all.filter((subject) => after === null || subject > after).slice(0, 5);
      },
      async end(arm) {
        entered("end", arm);
        return storeOf(arm).seq;
      },
      async clear(subject, arm) {
        entered("clear", arm);
        const { rows } = storeOf(arm);
        for (const [key, row] of rows) if (row.subject === subject) rows.delete(key);
      },
    },
  };
  return arms;
}
