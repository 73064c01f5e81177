import type { Command } from "commander";
import { SCHEMA_VERSION } from "../../console/index.ts";
import { EXIT, type ExitCode } from "../../kernel/index.ts";
import { buildReport, type FamilyReport, type ShadowReport } from "../../report/index.ts";
import { usageError } from "../cliError.ts";
import { addCommand, onRun, type Registry } from "../command.ts";
import type { CliContext } from "../context.ts";
import { bodiesOf, type SampleBodies } from "./bodies.ts";
import { type ChosenOptions, campaignText, withCampaign } from "./chosen.ts";
import { reportInput } from "./reportInput.ts";
import { familiesText, familyText, type Numbered } from "./showText.ts";

/** Named in a refusal. */
const MATCHES_SHOWN = 10;

export function addShadowShow(parent: Command, registry: Registry): void {
  const command = addCommand(parent, {
    name: "show [family]",
    summary: "what differs, the worst first; or one family with its samples of both sides",
    examples: [
      ["switchyard shadow show", "every family of differences, numbered"],
      ["switchyard shadow show 3", "the third: counts, samples, and the rule that would end it"],
      ["switchyard shadow show 'notes[*].version'", "the one whose route or path has this in it"],
    ],
    isPrintingData: true,
  })
    .option("--unit <unit>", "needed where several units have evidence")
    .option("--campaign <id>", "another than the newest, by the beginning of its id");
  onRun<ChosenOptions>(command, registry, show);
}

const show = (
  context: CliContext,
  options: ChosenOptions,
  [wanted]: readonly (string | undefined)[],
): Promise<ExitCode> =>
  withCampaign(context, options, async (chosen) => {
    const made = buildReport(await reportInput(context, chosen, null));
    const families = made.families.map((family, at): Numbered => ({ number: at + 1, ...family }));
    context.out.talk(`campaign ${campaignText(chosen.campaign)}`);
    if (wanted === undefined) list(context, made, families);
    else {
      const family = pick(families, wanted);
      tell(context, made, family, await bodiesOf(chosen, family));
    }
    return EXIT.fine;
  });

const headOf = ({ head: { unit, campaign } }: ShadowReport) => ({
  schemaVersion: SCHEMA_VERSION,
  unit,
  campaign: campaign.id,
});

function list({ out, options }: CliContext, made: ShadowReport, families: readonly Numbered[]): void {
  const { leftOut } = made;
  if (options.json) {
    const rows = families.map(({ samples, rule: _rule, acceptedBy: _by, ...family }) => ({
      ...family,
      samples: samples.length,
    }));
    out.json({ ...headOf(made), families: rows, leftOut: leftOut.families });
    return;
  }
  out.data(families.length === 0 ? "nothing differs" : familiesText(families, out));
  if (leftOut.families > 0) out.talk(`and ${leftOut.families} more, which are less severe or rarer`);
}

function tell(
  { out, options }: CliContext,
  made: ShadowReport,
  family: Numbered,
  bodies: readonly SampleBodies[],
): void {
  const samples = family.samples.map((one, at) => ({ ...one, values: bodies[at] }));
  if (options.json) out.json({ ...headOf(made), family: { ...family, samples } });
  else out.data(familyText(family, bodies, out));
}

function pick(families: readonly Numbered[], wanted: string): Numbered {
  const number = /^\d+$/.test(wanted) ? Number(wanted) : null;
  const exact = families.filter((one) => one.number === number || one.name === wanted || one.template === wanted);
  const found = exact.length > 0 ? exact : families.filter((one) => titleOf(one).includes(wanted));
  const [one] = found;
  if (one !== undefined && found.length === 1) return one;
  const shown = (found.length > 0 ? found : families).slice(0, MATCHES_SHOWN);
  const names = shown.map((each) => `  ${each.number}  ${titleOf(each)}`).join("\n");
  const what = found.length > 0 ? `"${wanted}" is in ${found.length} families.` : `There is no family "${wanted}".`;
  throw usageError(what, families.length === 0 ? "Nothing differs in this campaign." : `Families:\n${names}`);
}

const titleOf = ({ route, template, kind }: FamilyReport): string => `${route} ${template} ${kind}`;
