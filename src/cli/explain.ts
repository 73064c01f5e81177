import type { Command } from "commander";
import type { ExplainView } from "../console/index.ts";
import { EXIT, type ExitCode } from "../kernel/index.ts";
import { usageError } from "./cliError.ts";
import { addCommand, onRun, type Registry } from "./command.ts";
import type { CliContext } from "./context.ts";
import type { CommonOptions } from "./options.ts";
import { plural } from "./format.ts";

interface ExplainOptions extends CommonOptions {
  readonly user?: string;
  readonly subject?: string;
  readonly route: string;
}

export function addExplain(program: Command, registry: Registry): void {
  const command = addCommand(program, {
    name: "explain",
    summary: "which arm serves a user on a route, and why",
    examples: [
      ['switchyard explain --user u_81 --route "GET /orders/17"', "which arm answers this user's call"],
      ['switchyard explain --user u_81 --route "WS /events" --json', "the same for a socket, for machines"],
    ],
    isPrintingData: true,
    isAskingAdmin: true,
  })
    .option("--user <id>", "user id, the token's sub")
    .option("--subject <id>", "any other stable subject, such as an anonymous id")
    .requiredOption("--route <route>", 'method and path: "GET /x", "WS /x"');
  onRun<ExplainOptions>(command, registry, explain);
}

async function explain(context: CliContext, options: ExplainOptions): Promise<ExitCode> {
  if (options.user !== undefined && options.subject !== undefined)
    throw usageError("--user and --subject name the same thing; give one.");
  const subject = options.user ?? options.subject;
  const query = new URLSearchParams({ route: options.route });
  if (subject !== undefined) query.set("subject", subject);
  const admin = await context.admin();
  const view = await admin.get<ExplainView>(`/api/explain?${query}`);
  if (options.json) context.out.json(view);
  else context.out.data(explainText(view, subject ?? null));
  return EXIT.fine;
}

export function explainText(view: ExplainView, subject: string | null): string {
  // Without the operate token the answer names a hash; whoever asks knows the subject already.
  const name = subject ?? "(no subject)";
  const because =
    subject !== null && view.subject !== null ? view.because.replaceAll(view.subject, subject) : view.because;
  return [
    `${name} → ${view.arm}`,
    ...(view.servedBy === view.arm ? [] : [`  served   ${servedText(view)}`]),
    `  because  ${because}`,
    `  checked  ${view.checked.join(" · ")}`,
    `  route    ${view.route}${view.unit === null ? "" : `   unit ${view.unit}`}`,
    `  sockets  ${socketsText(view)}`,
  ].join("\n");
}

const servedText = ({ servedBy }: ExplainView): string =>
  `by ${servedBy} still: it changes with its next call, or when nothing of it is open there any more`;

function socketsText(view: ExplainView): string {
  if (view.sockets === null) return "unknown: the workers did not answer in time";
  if (view.sockets.length === 0) return "none open";
  const arms = [...new Set(view.sockets.map((socket) => socket.arm))];
  const isLeaving = view.sockets.some((socket) => socket.unit === view.unit && socket.arm !== view.arm);
  const fate = isLeaving
    ? "closes with 1012 at the end of its turn, and the client connects again"
    : "stays open while the decision stays";
  return `${plural(view.sockets.length, "open socket")}, on ${arms.join(" and ")}; ${fate}`;
}
