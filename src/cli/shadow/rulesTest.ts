import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { type Config, ConfigProblems } from "../../config/index.ts";
import { SCHEMA_VERSION } from "../../console/index.ts";
import { EXIT, type ExitCode, systemClock } from "../../kernel/index.ts";
import { readRuleFile, type RuleFile, type StoredCampaign, type StoredEvidence } from "../../shadow/index.ts";
import { CliError, usageError } from "../cliError.ts";
import { addCommand, onRun, type Registry } from "../command.ts";
import type { CliContext } from "../context.ts";
import { plural } from "../format.ts";
import { campaignsFor, type ChosenOptions, loadConfig, openEvidence, refusalOf } from "./chosen.ts";
import { type Fixture, outcomeOf, readFixtures } from "./fixtures.ts";
import { type FixtureTrial, judgeFixture, type TriedFamily, tryRules } from "./ruleTrial.ts";
import { type RulesTested, rulesTestText } from "./rulesTestText.ts";
import { bookOf, type FileRules, goodRules, routeOf, rulesOfFiles, settingOf, wordsOf } from "./unitSetting.ts";

interface TestOptions extends ChosenOptions {
  readonly fixtures?: string;
}

export function addRulesTest(parent: Command, registry: Registry): void {
  const command = addCommand(parent, {
    name: "test",
    summary: "what a rule file would hide, in stored evidence and fixtures; exit 1 when it hides more than it says",
    examples: [
      ["switchyard shadow rules test new.rules.yaml", "every family and sample that each rule would hide"],
      ["switchyard shadow rules test new.rules.yaml --fixtures shadow/", "and written-down exchanges that it turns"],
    ],
    isPrintingData: true,
  })
    .argument("<file>", "a rule file; it need not be one of the configuration")
    .option("--fixtures <folder>", "exchanges to try, *.fixture.json")
    .option("--unit <unit>", "evidence of this unit only (default: the newest campaign of each)")
    .option("--campaign <id>", "evidence of this campaign only, by the beginning of its id");
  onRun<TestOptions, [string]>(command, registry, (context, options, [file]) => testRules(context, options, file));
}

async function testRules(context: CliContext, options: TestOptions, file: string): Promise<ExitCode> {
  const { out, deps } = context;
  const config = loadConfig(context);
  if (config.shadow === null) {
    const next = 'Add "shadow: {}", so that its units and rules are known; docs/shadow.md.';
    throw usageError("The configuration has no shadow.", next);
  }
  const others = rulesOfFiles(config, deps.shadow, (other) => !isSameFile(other, file));
  goodRules(others);
  const tested = readTested(context, file, others);
  if (tested === null) return EXIT.configuration;
  const nowMs = systemClock.now();
  const written = options.fixtures === undefined ? null : readFixtures(options.fixtures);
  if (written !== null && written.leftOut > 0)
    out.complain(`${plural(written.leftOut, "fixture")} too many: not tried.`);
  const stored = await familiesOf(context, config, options, others, written !== null);
  const { rules, together } = tryRules(tested.rules, stored.families, deps.shadow.statusClass, nowMs);
  const tryOne = fixtureTrial(context, config, { others, tested, nowMs });
  const fixtures = written?.fixtures.map(tryOne) ?? [];
  const unknown = written === null ? [] : tested.hides.filter((name) => !fixtures.some((one) => one.name === name));
  const all: RulesTested = {
    file,
    campaigns: stored.campaigns.map(({ id, unit }) => ({ id, unit })),
    families: stored.families.length,
    samples: stored.families.reduce((sum, { samples }) => sum + samples.length, 0),
    rules,
    together,
    fixtures,
    unknown,
  };
  if (options.json) out.json({ schemaVersion: SCHEMA_VERSION, isValid: true, ...all });
  else out.data(rulesTestText(all, out));
  return fixtures.some(({ state }) => state === "hidden" || state === "unexpected") ? EXIT.finding : EXIT.fine;
}

/** Null: it cannot be used, and what is wrong was told. */
function readTested({ out, deps, options }: CliContext, file: string, { taken }: FileRules): RuleFile | null {
  try {
    return readRuleFile(file, { normalisers: wordsOf(deps.shadow).normalisers, taken });
  } catch (error) {
    if (!(error instanceof ConfigProblems)) throw error;
    if (options.json) out.json({ schemaVersion: SCHEMA_VERSION, isValid: false, file, problems: error.problems });
    else out.data(error.message);
    return null;
  }
}

function isSameFile(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return resolve(one) === resolve(other);
  }
}

interface Stored {
  readonly campaigns: readonly StoredCampaign[];
  readonly families: readonly TriedFamily[];
}

/** Of the newest campaign of each unit. Without evidence fixtures are enough, if there are any. */
async function familiesOf(
  context: CliContext,
  config: Config,
  options: TestOptions,
  others: FileRules,
  hasFixtures: boolean,
): Promise<Stored> {
  let evidence: StoredEvidence;
  try {
    evidence = openEvidence(context, config);
  } catch (error) {
    if (!hasFixtures || !(error instanceof CliError) || error.exitCode !== EXIT.usage) throw error;
    context.out.talk(`${error.message} Only fixtures are tried.`);
    return { campaigns: [], families: [] };
  }
  try {
    const campaigns = campaignsFor(await evidence.campaigns(), options);
    const families: TriedFamily[] = [];
    for (const { id, unit } of campaigns) {
      const setting = settingOf(config, unit, context.deps.shadow, others.rules);
      for (const family of await evidence.families(id)) {
        const samples = await evidence.samples(id, family.name);
        families.push({ ...family, unit, route: routeOf(setting, family.route), samples });
      }
    }
    return { campaigns, families };
  } catch (error) {
    throw refusalOf(error);
  } finally {
    await evidence.close();
  }
}

function fixtureTrial(
  { deps }: CliContext,
  config: Config,
  { others, tested, nowMs }: { others: FileRules; tested: RuleFile; nowMs: number },
): (fixture: Fixture) => FixtureTrial {
  const units = [...config.units.values()];
  const own = new Set(tested.rules.map(({ id }) => id));
  const worlds = new Map(
    units.map(({ id }) => {
      const setting = settingOf(config, id, deps.shadow, others.rules);
      const book = (rules: typeof setting.rules) => bookOf(setting, rules, deps.shadow, () => nowMs);
      return [id, { setting, before: book(setting.rules), after: book([...setting.rules, ...tested.rules]) }];
    }),
  );
  return (fixture) => {
    const unit = units.find(({ routes }) => routes.some(({ id }) => id === fixture.route));
    const world = unit === undefined ? undefined : worlds.get(unit.id);
    if (world === undefined) {
      const routes = units.flatMap((one) => one.routes.map(({ id }) => id));
      const what = `Fixture ${fixture.name}: "${fixture.route}" is no route of the configuration.`;
      throw new CliError(EXIT.configuration, what, `Routes: ${routes.slice(0, 20).join(", ")}.`);
    }
    const route = routeOf(world.setting, fixture.route);
    const { isLearningIds } = world.setting;
    const about = { route, surface: route.surface, isLearningIds, conditions: deps.shadow.conditions, nowMs };
    const before = outcomeOf(fixture, world.before, about);
    const { verdict, by } = outcomeOf(fixture, world.after, about);
    return judgeFixture(fixture, before.verdict, { verdict, by: by.filter((id) => own.has(id)) }, tested.hides);
  };
}
