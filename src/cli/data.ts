import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { DataStatusView, DataSubjectsView, DataVerifiedView } from "../console/index.ts";
import type { Verified } from "../continuity/index.ts";
import { type Arm, EXIT, type ExitCode, otherArm } from "../kernel/index.ts";
import type { AdminClient } from "./adminClient.ts";
import { CliError, usageError } from "./cliError.ts";
import { addCommand, addGroup, type CommandSpec, onRun, type Registry } from "./command.ts";
import { confirm } from "./confirm.ts";
import { auditFields, type CliContext } from "./context.ts";
import { dataStatusText, verifiedText } from "./dataText.ts";
import { plural } from "./format.ts";
import type { CommonOptions } from "./options.ts";
import { parseArm, parsePercent } from "./values.ts";

interface SubjectOptions extends CommonOptions {
  readonly user?: string;
  readonly all?: boolean;
  readonly sample?: number;
  readonly from: Arm;
  readonly reason: string;
}

const REASON = "asked for with the command line";
/** Between two looks at a copy that runs. */
const LOOK_MS = 500;
/** What a relay may take, and how often a difference is looked at again. */
const LAG_MS = 700;
const LOOKS_AGAIN = 3;
/** Subjects verified with one call; the listener takes no more. */
const BATCH = 20;
const WITH_ADMIN: Partial<CommandSpec> = { isPrintingData: true, isAskingAdmin: true };

export function addData(program: Command, registry: Registry): void {
  const group = addGroup(program, "data", "a user's data on both arms: lag, checks, copies, repair", [
    ["switchyard data status", "both relays: lag, conflicts, what holds them up"],
    ["switchyard data copy --all", "everybody's data to the candidate, with progress"],
    ["switchyard data verify --sample 1%", "one user in a hundred: do both arms hold the same?"],
  ]);
  const status = addCommand(group, {
    ...WITH_ADMIN,
    name: "status",
    summary: "lag and conflicts of both relays, and copies under way; exit 1 while one is behind",
    examples: [["switchyard data status", "both directions once"]],
  });
  onRun<CommonOptions>(status, registry, showStatus);

  const verify = addCommand(group, {
    ...WITH_ADMIN,
    name: "verify",
    summary: "compares what both arms hold; exit 1 where they differ",
    examples: [
      ["switchyard data verify --user u_81", "one user, with every row that differs"],
      ["switchyard data verify --sample 1%", "some of all users"],
    ],
  })
    .option("--user <id>", "this user only")
    .option("--sample <percent>", "this share of all users, the same ones each time (default: 100%)", parsePercent);
  onRun<SubjectOptions>(verify, registry, runVerify);

  const copy = addCommand(group, {
    ...WITH_ADMIN,
    name: "copy",
    summary: "copies a user's data, or everybody's, to the other arm; a run that was stopped goes on",
    examples: [
      ["switchyard data copy --all", "everybody, from control to the candidate"],
      ["switchyard data copy --user u_81 --from candidate", "one user, back to control"],
    ],
    isChanging: true,
  })
    .option("--user <id>", "this user only")
    .option("--all", "every user")
    .option("--from <arm>", "the arm to copy from", parseArm, "control" as const)
    .option("--reason <text>", "why; it is recorded", REASON);
  onRun<SubjectOptions>(copy, registry, runCopy);

  const repair = addCommand(group, {
    ...WITH_ADMIN,
    name: "repair",
    summary: "copies a user's data both ways, then compares again",
    examples: [["switchyard data repair --user u_81", "what one arm lacks comes from the other"]],
    isChanging: true,
  })
    .requiredOption("--user <id>", "the user")
    .option("--reason <text>", "why; it is recorded", REASON);
  onRun<SubjectOptions>(repair, registry, runRepair);
}

const readStatus = (admin: AdminClient): Promise<DataStatusView> => admin.get<DataStatusView>("/api/data/status");

async function showStatus(context: CliContext): Promise<ExitCode> {
  const view = await readStatus(await context.admin());
  if (context.options.json) context.out.json(view);
  else context.out.data(dataStatusText(view, context.out));
  const isBehind = view.relays.some(
    ({ failure, blockedBy, isWhole }) => failure !== null || blockedBy !== null || !isWhole,
  );
  return isBehind ? EXIT.finding : EXIT.fine;
}

async function runVerify(context: CliContext, options: SubjectOptions): Promise<ExitCode> {
  const admin = await context.admin();
  if (options.user !== undefined) {
    if (options.sample !== undefined) throw usageError("Name one user, or a sample of all.");
    return tellVerified(context, { schemaVersion: 1, verified: await verifyAtRest(admin, [options.user]) });
  }
  const { out } = context;
  const different: Verified[] = [];
  let [seen, verified] = [0, 0];
  for await (const subjects of pagesOf(admin)) {
    seen += subjects.length;
    const chosen = subjects.filter((subject) => isInSample(subject, options.sample ?? 100));
    for (let at = 0; at < chosen.length; at += BATCH) {
      const batch = await verifyAtRest(admin, chosen.slice(at, at + BATCH));
      verified += batch.length;
      different.push(...batch.filter(({ isEqual }) => !isEqual));
    }
    out.talk(
      `${plural(verified, "user")} of ${plural(seen, "user")} compared, ${plural(different.length, "difference")}`,
    );
  }
  if (context.options.json) out.json({ schemaVersion: 1, seen, verified, different });
  else {
    for (const one of different) out.data(verifiedText(one, out));
    out.data(`${plural(verified, "user")} compared, ${plural(verified - different.length, "is equal", "are equal")}`);
  }
  return different.length === 0 ? EXIT.fine : EXIT.finding;
}

const verify = async (admin: AdminClient, subjects: readonly string[]): Promise<readonly Verified[]> =>
  (await admin.post<DataVerifiedView>("/api/data/verify", { subjects })).verified;

/** Whoever works just now differs by what the relay is about to bring: only what stays is a difference. */
async function verifyAtRest(admin: AdminClient, subjects: readonly string[]): Promise<readonly Verified[]> {
  let verified = await verify(admin, subjects);
  for (let again = 0; again < LOOKS_AGAIN; again++) {
    const different = verified.filter(({ isEqual }) => !isEqual).map(({ subject }) => subject);
    if (different.length === 0) break;
    await sleep(LAG_MS);
    const later = new Map((await verify(admin, different)).map((one) => [one.subject, one] as const));
    verified = verified.map((one) => later.get(one.subject) ?? one);
  }
  return verified;
}

function tellVerified({ out, options }: CliContext, view: DataVerifiedView): ExitCode {
  if (options.json) out.json(view);
  else for (const one of view.verified) out.data(verifiedText(one, out));
  return view.verified.every(({ isEqual }) => isEqual) ? EXIT.fine : EXIT.finding;
}

async function* pagesOf(admin: AdminClient): AsyncGenerator<readonly string[]> {
  for (let after: string | null = null; ; ) {
    const query: string = after === null ? "" : `?after=${encodeURIComponent(after)}`;
    const { subjects }: DataSubjectsView = await admin.get<DataSubjectsView>(`/api/data/subjects${query}`);
    if (subjects.length === 0) return;
    yield subjects;
    after = subjects.at(-1) ?? null;
  }
}

/** By the name alone, so that two runs compare the same users. */
function isInSample(subject: string, percent: number): boolean {
  let hash = 2_166_136_261;
  for (let at = 0; at < subject.length; at++) hash = Math.imul(hash ^ subject.charCodeAt(at), 16_777_619);
  return (hash >>> 0) % 1_000 < percent * 10;
}

async function runCopy(context: CliContext, options: SubjectOptions): Promise<ExitCode> {
  const { user, all, from } = options;
  if ((user === undefined) === (all !== true)) throw usageError("Name one user with --user, or say --all.");
  const admin = await context.admin();
  const what = user === undefined ? "everybody's data" : `the data of ${user}`;
  const to = otherArm(from);
  if (!(await confirm(`Copy ${what} from ${from} to ${to}?`, options.yes === true, context.deps)))
    return unchanged(context);
  const body = { subject: user ?? null, from, ...auditFields(context.deps.env, options.reason) };
  const answer = await admin.post<object>("/api/data/copy", body);
  if (user !== undefined) {
    if (context.options.json) context.out.json(answer);
    else context.out.data(`copied: ${JSON.stringify(answer)}`);
    return EXIT.fine;
  }
  return follow(context, admin, from);
}

/** Until the run is through; Ctrl-C ends the looking, not the run. */
async function follow(context: CliContext, admin: AdminClient, from: Arm): Promise<ExitCode> {
  let last = "";
  for (;;) {
    const view = await readStatus(admin);
    const run = view.copies.find((one) => one.from === from);
    if (run === undefined) {
      if (context.options.json) context.out.json(view);
      else context.out.data("all users are copied");
      return EXIT.fine;
    }
    const line = `${plural(run.done, "user")} copied${run.failure === null ? "" : `; waits: ${run.failure}`}`;
    if (line !== last) context.out.talk(line);
    last = line;
    await sleep(LOOK_MS);
  }
}

async function runRepair(context: CliContext, options: SubjectOptions): Promise<ExitCode> {
  const { user } = options;
  if (user === undefined) throw new CliError(EXIT.usage, "Name the user.", "Add --user <id>.");
  const admin = await context.admin();
  if (!(await confirm(`Copy the data of ${user} both ways?`, options.yes === true, context.deps)))
    return unchanged(context);
  const body = { subject: user, ...auditFields(context.deps.env, options.reason) };
  return tellVerified(context, await admin.post<DataVerifiedView>("/api/data/repair", body));
}

function unchanged({ out }: CliContext): ExitCode {
  out.talk("Nothing changed.");
  return EXIT.finding;
}
