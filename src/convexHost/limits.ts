// Every limit of the embedded host in one table (embedded-convex §3.8), and what counts against those of a transaction.
// Exceeding one is a named error, never a truncation.

const KIB = 1_024;
const MIB = 1_024 * KIB;

/** Bytes, milliseconds or counts, as the name says. The same figures as Convex's where it publishes one. */
export const LIMITS = {
  // Values and documents.
  documentBytes: MIB,
  documentFields: 1_024,
  documentDepth: 16,
  arrayElements: 8_192,
  /** `convex/values` refuses longer ones too. */
  fieldNameLength: 1_024,
  /** Arguments wrap documents, so they may be deeper; still shallow enough to walk by recursion. */
  valueDepth: 64,

  // Schema. Search and vector indexes count among the indexes of a table.
  indexesPerTable: 32,
  fieldsPerIndex: 16,
  searchIndexesPerTable: 4,
  vectorIndexesPerTable: 4,
  filterFieldsPerIndex: 16,
  vectorDimensions: 4_096,

  // One query or mutation with all that it calls.
  bytesRead: 16 * MIB,
  documentsRead: 32_000,
  rangesRead: 4_096,
  bytesWritten: 16 * MIB,
  documentsWritten: 16_000,
  functionsScheduled: 1_000,
  scheduledArgsTotalBytes: 16 * MIB,
  // Convex names these four without a figure: a file is a row of `_storage`, and no larger than an upload may be.
  filesRead: 32_000,
  fileBytesRead: 256 * MIB,
  filesWritten: 16_000,
  fileBytesWritten: 256 * MIB,

  // One call.
  argsBytes: 16 * MIB,
  returnsBytes: 16 * MIB,
  /** Of one scheduled function. */
  scheduledArgsBytes: 4 * MIB,
  /** A query's or mutation's own code. */
  transactionCodeMs: 1_000,
  actionMs: 600_000,
  searchResults: 1_024,
  vectorResults: 256,

  // The doors.
  httpBodyBytes: 20 * MIB,
  uploadBytes: 256 * MIB,
  /** A larger transition goes as `TransitionChunk`s. */
  syncMessageBytes: 5_000_000,
  connections: 1_000,
  /** Beyond it: 503 `TooManyConcurrentRequests`. */
  waitingCalls: 5_000,
} as const satisfies Readonly<Record<string, number>>;

export type LimitName = keyof typeof LIMITS;

/** A limit was exceeded: which, by what figure, and what is allowed. */
export class LimitError extends Error {
  override readonly name = "LimitError";
  readonly limit: LimitName;
  constructor(limit: LimitName, figure: number, allowed: number = LIMITS[limit]) {
    super(`Limit "${limit}" exceeded: ${shown(figure)}, at most ${shown(allowed)} allowed`);
    this.limit = limit;
  }
}

/** For limits of a single thing, such as the size of one document. @throws LimitError when `figure` is beyond it */
export function checkLimit(limit: LimitName, figure: number): void {
  if (figure > LIMITS[limit]) throw new LimitError(limit, figure);
}

/** What a transaction spends, and how `transactionLimits` and `getTransactionMetrics` of `convex/server` call it. */
const WIRE_NAMES = {
  bytesRead: "bytesRead",
  documentsRead: "documentsRead",
  rangesRead: "databaseQueries",
  bytesWritten: "bytesWritten",
  documentsWritten: "documentsWritten",
  functionsScheduled: "functionsScheduled",
  scheduledArgsTotalBytes: "scheduledFunctionArgsBytes",
  filesRead: "filesRead",
  fileBytesRead: "fileReadBytes",
  filesWritten: "filesWritten",
  fileBytesWritten: "fileWriteBytes",
} as const satisfies Partial<Record<LimitName, string>>;

export type SpendName = keyof typeof WIRE_NAMES;
export type BudgetLimits = Readonly<Record<SpendName, number>>;
export type BudgetUsage = Readonly<Record<SpendName, number>>;
export type TransactionMetrics = Readonly<
  Record<(typeof WIRE_NAMES)[SpendName], { readonly used: number; readonly remaining: number }>
>;

const SPEND_NAMES = Object.keys(WIRE_NAMES) as readonly SpendName[];
/** A rollback undoes these; what was read stays read. */
const WRITES = [
  "bytesWritten",
  "documentsWritten",
  "functionsScheduled",
  "scheduledArgsTotalBytes",
  "filesWritten",
  "fileBytesWritten",
] as const satisfies readonly SpendName[];

/**
 * `base` lowered where `wish` asks for less; never raised (embedded-convex §3.8, "nested `transactionLimits`").
 * `wish` is what `1.0/runUdf` brings, by the names of `TransactionLimits`. @throws Error on a name or figure that is none
 */
export function lowered(base: BudgetLimits, wish: unknown): BudgetLimits {
  if (wish === undefined || wish === null) return base;
  if (typeof wish !== "object" || Array.isArray(wish))
    throw new Error("transactionLimits: expected an object of numbers");
  const limits: Record<SpendName, number> = { ...base };
  for (const [wireName, figure] of Object.entries(wish) as [string, unknown][]) {
    if (figure === undefined) continue;
    const name = SPEND_NAMES.find((candidate) => WIRE_NAMES[candidate] === wireName);
    if (name === undefined) {
      throw new Error(
        `transactionLimits: no limit "${wireName}", expected one of ${Object.values(WIRE_NAMES).join(", ")}`,
      );
    }
    if (typeof figure !== "number" || !(figure >= 0)) {
      throw new Error(`transactionLimits.${wireName}: expected a number of at least 0, got ${JSON.stringify(figure)}`);
    }
    limits[name] = Math.min(limits[name], figure);
  }
  return limits;
}

const NOTHING_SPENT = Object.fromEntries(SPEND_NAMES.map((name) => [name, 0])) as BudgetUsage;

/** What one transaction has left. */
export interface Budget {
  /** Counts `amount`, also beyond a limit: code that catches the error meets it again at its next step. @throws LimitError */
  spend(name: SpendName, amount: number): void;
  /** Spent by the transaction so far. */
  usage(): BudgetUsage;
  /** As `ctx.meta.getTransactionMetrics()` gives it: what is left to the innermost call. */
  metrics(): TransactionMetrics;
  /** A nested call, with the `transactionLimits` it was given: they count its own spending only. @throws as `lowered` */
  begin(wish?: unknown): NestedBudget;
}

/** Ends a nested call, the innermost first. */
export interface NestedBudget {
  release(): void;
  /** Gives back what it wrote; what it read stays spent. */
  rollback(): void;
}

interface Frame {
  readonly limits: BudgetLimits;
  readonly usedBefore: BudgetUsage;
}

/** A budget of one transaction; `LIMITS` is one for `limits`. */
export function createBudget(limits: BudgetLimits): Budget {
  const used: Record<SpendName, number> = { ...NOTHING_SPENT };
  const frames: Frame[] = [{ limits, usedBefore: NOTHING_SPENT }];

  const spentIn = (frame: Frame, name: SpendName) => used[name] - frame.usedBefore[name];
  const end = (frame: Frame) => {
    if (frames.at(-1) !== frame) throw new Error("a nested budget must end before the one around it, and once");
    frames.pop();
  };

  return {
    spend(name, amount) {
      if (!(amount >= 0)) throw new RangeError(`spend("${name}"): expected an amount of at least 0, got ${amount}`);
      used[name] += amount;
      for (const frame of frames) {
        const figure = spentIn(frame, name);
        if (figure > frame.limits[name]) throw new LimitError(name, figure, frame.limits[name]);
      }
    },
    usage: () => ({ ...used }),
    metrics: () =>
      Object.fromEntries(
        SPEND_NAMES.map((name) => {
          const remaining = Math.min(...frames.map((frame) => frame.limits[name] - spentIn(frame, name)));
          return [WIRE_NAMES[name], { used: used[name], remaining: Math.max(0, remaining) }];
        }),
      ) as TransactionMetrics,
    begin(wish) {
      const frame: Frame = { limits: lowered(pick(limits), wish), usedBefore: { ...used } };
      frames.push(frame);
      return {
        release: () => end(frame),
        rollback() {
          end(frame);
          for (const name of WRITES) used[name] = frame.usedBefore[name];
        },
      };
    },
  };
}

function pick(limits: BudgetLimits): BudgetLimits {
  return Object.fromEntries(SPEND_NAMES.map((name) => [name, limits[name]])) as BudgetLimits;
}

function shown(figure: number): string {
  return figure.toLocaleString("en-US");
}
