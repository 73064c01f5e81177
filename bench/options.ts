import { parseArgs } from "node:util";

export const PARTS = ["rest", "ws", "arms", "convex", "shadow"] as const;
export type PartName = (typeof PARTS)[number];

export interface Options {
  readonly parts: readonly PartName[];
  readonly rounds: number;
  readonly seconds: number;
  /** Instead of the part `convex`: the embedded host at a steady rate for so many seconds. */
  readonly soakSeconds: number | null;
  readonly isJson: boolean;
  /** Folder of `latest.md` and `latest.json`. */
  readonly resultsDir: string;
}

/** A command line that cannot be meant as it stands. */
export class UsageError extends Error {}

export const USAGE = `npm run bench -- [${PARTS.join("|")}] [--rounds N] [--seconds N] [--json] [--out FOLDER]
npm run bench -- convex --soak 30m

  --rounds N    alternating rounds, of which the median counts (5)
  --seconds N   length of one measurement (4)
  --soak TIME   convex at a steady rate for that long (90s, 30m, 2h), its memory watched
  --json        the results on stdout as JSON, everything else on stderr
  --out FOLDER  where latest.md and latest.json are written (bench/results)`;

/** @throws UsageError */
export function readOptions(words: readonly string[], resultsDir: string): Options {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(words);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : "the options cannot be read");
  }
  const { values, positionals } = parsed;
  const parts = positionals.map((word) => {
    const part = PARTS.find((name) => name === word);
    if (part === undefined) throw new UsageError(`there is no part "${word}"; there are ${PARTS.join(", ")}`);
    return part;
  });
  const soakSeconds = values.soak === undefined ? null : duration("soak", values.soak);
  if (soakSeconds !== null && !(parts.length === 1 && parts[0] === "convex")) {
    throw new UsageError("--soak is for the part convex alone: npm run bench -- convex --soak 30m");
  }
  return {
    parts: parts.length === 0 ? PARTS : [...new Set(parts)],
    rounds: wholeNumber("rounds", values.rounds, 100),
    seconds: wholeNumber("seconds", values.seconds, 600),
    soakSeconds,
    isJson: values.json,
    resultsDir: values.out ?? resultsDir,
  };
}

const parse = (words: readonly string[]) =>
  parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "4" },
      soak: { type: "string" },
      json: { type: "boolean", default: false },
      out: { type: "string" },
    },
  });

function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d{1,3}$/.test(text) || value < 1 || value > max) {
    throw new UsageError(`--${name} is a whole number from 1 to ${max}, not "${text}"`);
  }
  return value;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };
const DURATION_SECONDS_MAX = 24 * 3_600;

function duration(name: string, text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,5})([smh])$/.exec(text) ?? [];
  const seconds = Number(count) * (UNIT_SECONDS[unit] ?? Number.NaN);
  if (seconds >= 1 && seconds <= DURATION_SECONDS_MAX) return seconds;
  throw new UsageError(`--${name} is a time such as 90s, 30m or 2h, at most 24h, not "${text}"`);
}
