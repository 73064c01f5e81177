export interface BannerFacts {
  readonly version: string;
  readonly api: string;
  readonly admin: string;
  readonly operateTokenFile: string | null;
  readonly ports: { readonly control: PortFact; readonly candidate: PortFact; readonly model: PortFact | null };
  /** Null: the candidate's functions run on the deployment of `CONVEX_URL`. */
  readonly host: PortFact | null;
  /** Address of another model server, when the stand-in is not used. */
  readonly modelUrl: string;
  /** null: nothing is mirrored. */
  readonly shadow: ShadowFact | null;
  readonly otherPorts: readonly PortFact[];
  readonly exposurePercent: number | null;
  readonly students: { readonly control: number; readonly candidate: number };
  readonly tokensFile: string;
  /** A student to ask `explain` about. */
  readonly exampleUser: string | null;
  readonly logs: string;
  readonly readyMs: number;
}

export interface PortFact {
  readonly name: string;
  readonly port: number;
  readonly wanted: number;
}

export interface ShadowFact {
  readonly cassette: readonly PortFact[];
  readonly control: PortFact;
  readonly candidate: PortFact;
  readonly host: PortFact;
}

const tokenOf = (file: string, arm: string): string => `$(node -p "require('./${file}').${arm}.token")`;

/** What `npm start` prints: only what exists and answers (ux.md §2). Paths are relative to the clone; no token is shown. */
export function bannerText(facts: BannerFacts): string {
  const { ports, students, api, admin } = facts;
  const total = students.control + students.candidate;
  const model = ports.model
    ? `stand-in ${ports.model.port} ready (answers from fixed rules, costs nothing)`
    : `${facts.modelUrl} (OPENAI_BASE_URL)`;
  const exposure = facts.exposurePercent === null ? "exposure unknown" : `${facts.exposurePercent} % exposed`;
  const rows = [
    `switchyard ${facts.version}   demo   Ctrl-C stops and drains`,
    `  api        ${api}/          metrics   ${admin}/metrics`,
    `  admin      ${admin}/          operate token   ${facts.operateTokenFile ?? "from the configuration"}`,
    `  control    legacy ${ports.control.port} ready   candidate   convex ${ports.candidate.port} ready`,
    facts.host
      ? `             candidate's functions: embedded host (Convex-compatible) ${facts.host.port} ready`
      : "             candidate's functions: the deployment of CONVEX_URL",
    `  model      ${model}`,
    `  tutoring   ${exposure}, ${total} students talking (${students.control} on control, ${students.candidate} on candidate)      ready in ${(facts.readyMs / 1000).toFixed(1)} s`,
    ...(facts.shadow === null ? [] : [shadowRow(facts.shadow)]),
    `  files      logs ${facts.logs}   tokens of two students ${facts.tokensFile}`,
    ...takenRows([
      ports.control,
      ports.candidate,
      ...(ports.model ? [ports.model] : []),
      ...(facts.host ? [facts.host] : []),
      ...(facts.shadow ? portsOf(facts.shadow) : []),
      ...facts.otherPorts,
    ]),
    ...tryRows(facts),
  ];
  return `${rows.join("\n")}\n`;
}

const shadowRow = ({ control, candidate }: ShadowFact): string =>
  `  shadow     every call of tutoring goes to legacy ${control.port} or convex ${candidate.port} too; both are starting`;

const portsOf = ({ cassette, control, candidate, host }: ShadowFact): PortFact[] => [
  ...cassette,
  control,
  candidate,
  host,
];

function takenRows(ports: readonly PortFact[]): string[] {
  const taken = ports.filter(({ port, wanted }) => port !== wanted);
  if (taken.length === 0) return [];
  return [
    `  taken      ${taken.map(({ name, port, wanted }) => `${wanted} is in use: ${name} is on ${port}`).join("; ")}`,
  ];
}

function tryRows({ api, tokensFile, exampleUser, admin }: BannerFacts): string[] {
  const call = (arm: string): string =>
    `curl -H "Authorization: Bearer ${tokenOf(tokensFile, arm)}" ${api}/api/v1/sessions`;
  const isUsual = admin.endsWith(":9901");
  const explain = `npx switchyard explain --user ${exampleUser ?? "<id>"} --route "GET /api/v1/sessions"${isUsual ? "" : ` --admin-url ${admin}`}`;
  return [
    "Try:  (a student on control, one on the candidate, and why)",
    ...(exampleUser === null ? [] : [`  ${call("control")}`, `  ${call("candidate")}`]),
    `  ${explain}`,
  ];
}
