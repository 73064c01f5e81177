// A report for whoever asks the admin API (shadow P6): the same as the command's, as JSON.
import type { Config } from "../../config/index.ts";
import type { ReportAnswer, ReportAsked } from "../../console/index.ts";
import { EXIT } from "../../kernel/index.ts";
import { buildReport, REPORT_WRITERS } from "../../report/index.ts";
import { CliError } from "../cliError.ts";
import type { CliShadow } from "../ports.ts";
import { choose, openEvidence, refusalOf } from "./chosen.ts";
import { readReportInput } from "./reportInput.ts";

const SILENT = { complain: () => {}, talk: () => {} };

/** Rejects with bugs of ours only. */
export async function answerReport(
  config: Config,
  application: CliShadow,
  { unit, campaign: id, sinceMs }: ReportAsked,
): Promise<ReportAnswer> {
  try {
    const evidence = openEvidence({ configFile: "the configuration", out: SILENT }, config);
    try {
      const asked = { ...(unit === null ? {} : { unit }), ...(id === null ? {} : { campaign: id }) };
      const campaign = choose(await evidence.campaigns(), asked);
      const input = await readReportInput({ config, evidence, campaign, application, sinceMs, ...SILENT });
      const { mediaType, write } = REPORT_WRITERS.json;
      return { isFound: true, contentType: mediaType, text: write(buildReport(input)) };
    } finally {
      await evidence.close();
    }
  } catch (error) {
    const known = refusalOf(error);
    if (!(known instanceof CliError)) throw error;
    const isThere = known.exitCode !== EXIT.unreachable && known.exitCode !== EXIT.configuration;
    return { isFound: false, isThere, detail: known.message, next: known.next ?? "" };
  }
}
