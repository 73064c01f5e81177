import type { Command } from "commander";
import type { SamplesRemovedView } from "../../console/index.ts";
import { EXIT, type ExitCode } from "../../kernel/index.ts";
import { usageError } from "../cliError.ts";
import { addCommand, onRun, type Registry } from "../command.ts";
import { confirm } from "../confirm.ts";
import { auditFields, type CliContext } from "../context.ts";
import { plural } from "../format.ts";
import type { CommonOptions } from "../options.ts";

interface ForgetOptions extends CommonOptions {
  readonly reason: string;
}

/** What the listener takes. */
const SUBJECT_CHARS_MAX = 128;

/** On request of whom they are of (shadow P5). */
export function addShadowForget(group: Command, registry: Registry): void {
  const forget = addCommand(group, {
    name: "forget <subject>",
    summary: "removes a user's samples from the evidence; exit 1 where a file cannot be read",
    examples: [
      ["switchyard shadow forget u_81", "all samples of this user, of all builds and processes"],
      ["switchyard shadow forget u_81 --yes --json", "without asking, and what went as JSON"],
    ],
    isPrintingData: true,
    isAskingAdmin: true,
    isChanging: true,
  }).option("--reason <text>", "why; it is recorded", "asked for with the command line");
  onRun<ForgetOptions, readonly [string]>(forget, registry, forgetSubject);
}

async function forgetSubject(
  context: CliContext,
  options: ForgetOptions,
  [subject]: readonly [string],
): Promise<ExitCode> {
  const { deps, out } = context;
  if (subject.trim() === "" || subject.length > SUBJECT_CHARS_MAX) {
    throw usageError(`A subject has 1 to ${SUBJECT_CHARS_MAX} characters.`);
  }
  const admin = await context.admin();
  if (!(await confirm(`Remove all samples of ${subject} from the evidence?`, options.yes === true, deps))) {
    out.talk("Nothing changed.");
    return EXIT.finding;
  }
  const body = { subject, ...auditFields(deps.env, options.reason) };
  const view = await admin.delete<SamplesRemovedView>("/api/shadow/samples", body);
  const { samples, campaigns, left } = view;
  if (context.options.json) out.json(view);
  else
    out.data(
      samples === 0
        ? "there were no samples"
        : `${plural(samples, "sample")} of ${plural(campaigns, "campaign")} removed`,
    );
  for (const { where, why } of left) {
    out.complain(`${where} cannot be read (${why}) and may hold some. Delete it once you have looked at it.`);
  }
  return left.length === 0 ? EXIT.fine : EXIT.finding;
}
