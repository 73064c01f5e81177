import type { Config } from "../../config/index.ts";
import { EXIT, type ExitCode } from "../../kernel/index.ts";
import {
  EvidenceProblem,
  readEvidence,
  readFleetEvidence,
  type StoredCampaign,
  type StoredEvidence,
} from "../../shadow/index.ts";
import { CliError, usageError } from "../cliError.ts";
import { loadConfigFile } from "../configFile.ts";
import type { CliContext } from "../context.ts";
import { moment, plural } from "../format.ts";
import type { CommonOptions } from "../options.ts";

export interface ChosenOptions extends CommonOptions {
  readonly unit?: string;
  readonly campaign?: string;
}

/** What a command reads of: the configuration, the evidence, and one campaign of it. */
export interface Chosen {
  readonly config: Config;
  readonly evidence: StoredEvidence;
  readonly campaign: StoredCampaign;
}

/** Shown in a refusal; older ones can be named all the same. */
const CAMPAIGNS_SHOWN = 10;

export const loadConfig = ({ configFile, deps, out }: CliContext): Config =>
  loadConfigFile(configFile, deps.env, out).config;

/** @throws CliError when there is no evidence, or nobody can say which one is meant */
export async function withCampaign(
  context: CliContext,
  options: ChosenOptions,
  work: (chosen: Chosen) => Promise<ExitCode>,
): Promise<ExitCode> {
  const config = loadConfig(context);
  const evidence = openEvidence(context, config);
  try {
    const campaign = choose(await evidence.campaigns(), options);
    return await work({ config, evidence, campaign });
  } catch (error) {
    throw refusalOf(error);
  } finally {
    await evidence.close();
  }
}

/** Damage may show only when it is read. */
export const refusalOf = (error: unknown): unknown =>
  error instanceof EvidenceProblem ? new CliError(EXIT.unreachable, error.message) : error;

/** @throws CliError saying how evidence comes about */
export function openEvidence(
  { configFile, out }: { readonly configFile: string; readonly out: Pick<CliContext["out"], "complain"> },
  { stateDir, shadow }: Config,
): StoredEvidence {
  let evidence: StoredEvidence;
  try {
    const key = shadow?.bodyKey == null ? null : Buffer.from(shadow.bodyKey, "hex");
    evidence = shadow?.storeUrl == null ? readEvidence(stateDir, key) : readFleetEvidence(shadow.storeUrl);
  } catch (error) {
    if (!(error instanceof EvidenceProblem) || error.kind === "unreadable") throw refusalOf(error);
    const shares =
      shadow === null ? [] : [shadow.samplePercent.everywhere, ...Object.values(shadow.samplePercent.units)];
    const next = shares.some((share) => share > 0)
      ? 'It begins with the first call that is mirrored: is "switchyard run" running, with this stateDir?'
      : `Nothing is mirrored: set "shadow: { sample: 5% }" in ${configFile}; docs/shadow.md has the steps.`;
    throw usageError(`${error.message} Expected: shadow-0.sqlite3, which a running proxy writes.`, next);
  }
  if (evidence.filesLeftOut > 0)
    out.complain(`${plural(evidence.filesLeftOut, "file")} of evidence more than can be read: not in here.`);
  return evidence;
}

/** What is named, or the newest of each unit. @throws CliError for names that are none */
export function campaignsFor(campaigns: readonly StoredCampaign[], options: ChosenOptions): readonly StoredCampaign[] {
  if (campaigns.length === 0 || options.unit !== undefined || options.campaign !== undefined)
    return [choose(campaigns, options)];
  return campaigns.filter(({ unit }, at) => campaigns.findIndex((one) => one.unit === unit) === at);
}

export function choose(
  campaigns: readonly StoredCampaign[],
  { unit, campaign }: Pick<ChosenOptions, "unit" | "campaign">,
): StoredCampaign {
  const units = [...new Set(campaigns.map((one) => one.unit))].sort();
  if (units.length === 0) {
    const next = "One begins as soon as both arms tell their build (shadow.build), and a call is mirrored.";
    throw new CliError(EXIT.finding, "No campaign has begun: nothing was compared yet.", next);
  }
  if (unit !== undefined && !units.includes(unit))
    throw usageError(`There is no evidence of unit "${unit}".`, `Units with evidence: ${units.join(", ")}.`);
  const own = campaigns.filter((one) => unit === undefined || one.unit === unit);
  if (campaign !== undefined) return named(own, campaign);
  if (unit === undefined && units.length > 1)
    throw usageError("There is evidence of several units.", `Name one with --unit: ${units.join(", ")}.`);
  return own[0] as StoredCampaign; // the newest; there is one, for the unit was found
}

function named(campaigns: readonly StoredCampaign[], start: string): StoredCampaign {
  const found = campaigns.filter(({ id }) => id.startsWith(start));
  const [one] = found;
  if (one !== undefined && found.length === 1) return one;
  const shown = (found.length > 0 ? found : campaigns).slice(0, CAMPAIGNS_SHOWN).map(campaignText);
  const what = found.length > 0 ? `Several campaigns begin with "${start}".` : `There is no campaign "${start}".`;
  throw usageError(what, `The newest ones:\n${shown.map((text) => `  ${text}`).join("\n")}`);
}

export const campaignText = ({ id, unit, controlBuild, candidateBuild, startedMs }: StoredCampaign): string =>
  `${id}   ${unit}   control ${controlBuild}, candidate ${candidateBuild}, since ${moment(startedMs)}`;
