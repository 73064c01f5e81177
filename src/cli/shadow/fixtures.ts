// Exchanges that somebody wrote down: what both arms say, and what is to come of it under the rules.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Arm, EXIT } from "../../kernel/index.ts";
import {
  compareExchange,
  IdentityMap,
  type Observation,
  type RuleBook,
  type VerdictName,
  VERDICTS,
} from "../../shadow/index.ts";
import { CliError, usageError } from "../cliError.ts";

const ENDING = ".fixture.json";
const FIXTURES_MAX = 1_000;
const BYTES_MAX = 4 * 1_024 * 1_024;

const reply = z.strictObject({
  status: z.int().min(100).max(599).default(200),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}),
  /** A text is sent as it stands, anything else as JSON. */
  body: z.unknown().optional(),
});

const fixtureSchema = z.strictObject({
  route: z.string(),
  /** Of a socket: the type of the message whose two bodies these are. */
  message: z.string().optional(),
  control: reply,
  candidate: reply,
  /** Otherwise what comes of it without the file that is tested. */
  expect: z.enum(VERDICTS).optional(),
});

type WrittenReply = z.infer<typeof reply>;
export interface Fixture extends z.infer<typeof fixtureSchema> {
  readonly name: string;
}

export interface Fixtures {
  readonly fixtures: readonly Fixture[];
  /** Beyond the limit. */
  readonly leftOut: number;
}

/** @throws CliError with everything that is wrong in any of them */
export function readFixtures(folder: string): Fixtures {
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(ENDING));
  } catch (error) {
    throw usageError(`${folder} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unreadable"}).`);
  }
  if (names.length === 0)
    throw usageError(`There is no fixture in ${folder}.`, `Expected: files *${ENDING}; docs/shadow.md.`);
  const problems: string[] = [];
  const fixtures = [...names]
    .sort()
    .slice(0, FIXTURES_MAX)
    .flatMap((name): Fixture[] => {
      const read = readFixture(join(folder, name));
      if ("problem" in read) problems.push(`${join(folder, name)}: ${read.problem}`);
      return "problem" in read ? [] : [{ ...read, name: name.slice(0, -ENDING.length) }];
    });
  if (problems.length > 0) throw new CliError(EXIT.configuration, problems.join("\n"), "docs/shadow.md has the form.");
  return { fixtures, leftOut: names.length - fixtures.length };
}

function readFixture(file: string): z.infer<typeof fixtureSchema> | { readonly problem: string } {
  try {
    if (statSync(file).size > BYTES_MAX) return { problem: `larger than ${BYTES_MAX} bytes` };
    const read = fixtureSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
    if (read.success) return read.data;
    return { problem: read.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`.trim()).join("; ") };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : "unreadable" };
  }
}

export interface FixtureWorld {
  readonly route: { readonly id: string; readonly methods: readonly string[]; readonly paths: readonly string[] };
  /** Null: its frames have no codec. */
  readonly surface: string | null;
  readonly isLearningIds: boolean;
  readonly conditions: Parameters<typeof compareExchange>[3]["conditions"];
  readonly nowMs: number;
}

export interface Outcome {
  readonly verdict: VerdictName;
  /** Ids of the rules that had a say. */
  readonly by: readonly string[];
}

export function outcomeOf(fixture: Fixture, book: RuleBook, world: FixtureWorld): Outcome {
  const { route, surface, isLearningIds, conditions, nowMs } = world;
  const { message } = fixture;
  const rules = message !== undefined && surface !== null ? book.forMessage(surface, message) : book.forRoute(route);
  const ids = new IdentityMap({ now: () => nowMs });
  const mode = isLearningIds ? "learnt" : "declared";
  const { verdict, ruleHits } = compareExchange(
    observed("control", fixture.control),
    observed("candidate", fixture.candidate),
    rules,
    {
      delayMs: 0,
      nowMs,
      shadow: "candidate",
      conditions,
      ids: ids.pairsFor("fixture", mode, isGood(fixture), () => {}),
    },
  );
  return { verdict: verdict.name, by: [...ruleHits.keys()] };
}

/** Ids are learnt of good answers only (shadow M1). */
const isGood = ({ control, candidate }: Fixture): boolean =>
  [control, candidate].every(({ status }) => status >= 200 && status < 300);

function observed(arm: Arm, { status, headers, body }: WrittenReply): Observation {
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  const given = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one) => [name.toLowerCase(), one] as const),
  );
  const isTyped = given.some(([name]) => name === "content-type");
  const usual = body === undefined || isTyped ? [] : ["content-type", "application/json"];
  return {
    arm,
    role: arm === "control" ? "served" : "shadow",
    result: { reply: { status, headers: [...usual, ...given.flat()], body: Buffer.from(text) } },
    isCut: false,
    firstByteMs: 0,
    totalMs: 0,
  };
}
