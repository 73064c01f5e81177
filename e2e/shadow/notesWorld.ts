// The notes service of `examples/` as two arms and two shadow targets, with the proxy's own program between them.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/paths.ts";
import { type Service, startService, stopAll } from "../support/process.ts";
import { eventually, temporaryDir, TEST_SECRET } from "../support/index.ts";
import { stopWithEvenAccounts } from "../support/shadowSight.ts";

export const SHADOW_SECRET = "the-key-that-only-shadow-targets-accept-0001";

export interface NotesWorld {
  readonly proxy: Service & { readonly adminUrl: string };
  readonly stateDir: string;
  readonly targets: { readonly control: Service; readonly candidate: Service };
  stop(): Promise<void>;
}

export interface NotesOptions {
  /** Of the candidate's target. */
  readonly defect?: string;
  readonly env?: Record<string, string>;
  readonly config?: (text: string) => string;
}

const startNotes = (name: string, env: Record<string, string> = {}): Promise<Service> =>
  startService({
    name,
    command: process.execPath,
    args: [join(REPOSITORY, "examples/notes/server.ts")],
    cwd: REPOSITORY,
    env: { NAME: name, ...env },
  });

export async function startNotesWorld({
  defect = "",
  env = {},
  config = (text) => text,
}: NotesOptions = {}): Promise<NotesWorld> {
  const names = ["control", "candidate", "shadow-control", "shadow-candidate"] as const;
  const services = await Promise.all(
    names.map((name) => startNotes(name, name === "shadow-candidate" ? { DEFECT: defect } : {})),
  );
  const [control, candidate, shadowControl, shadowCandidate] = services as [Service, Service, Service, Service];
  const stateDir = temporaryDir("notes");
  mkdirSync(stateDir, { recursive: true });
  const file = join(stateDir, "switchyard.config.yaml");
  const shipped = readFileSync(join(REPOSITORY, "examples/notes/switchyard.config.yaml"), "utf8");
  const rules = join(REPOSITORY, "examples/notes/shadow.rules.yaml");
  writeFileSync(file, config(shipped.replace("examples/notes/shadow.rules.yaml", rules)));
  const proxy = await startService({
    name: "proxy",
    command: process.execPath,
    args: [join(REPOSITORY, "src/main.ts"), "run", "--quiet", "--config", file],
    cwd: stateDir,
    env: {
      JWT_SECRET_KEY: TEST_SECRET,
      SHADOW_JWT_SECRET: SHADOW_SECRET,
      SWITCHYARD__LISTEN: "127.0.0.1:0",
      SWITCHYARD__ADMIN__LISTEN: "127.0.0.1:0",
      SWITCHYARD__ADMIN__OPEN_METRICS: "true",
      SWITCHYARD__STATE_DIR: stateDir,
      SWITCHYARD__ARMS__CONTROL__URL: control.baseUrl,
      SWITCHYARD__ARMS__CANDIDATE__URL: candidate.baseUrl,
      SWITCHYARD__SHADOW__TARGETS__CONTROL__URL: shadowControl.baseUrl,
      SWITCHYARD__SHADOW__TARGETS__CANDIDATE__URL: shadowCandidate.baseUrl,
      SWITCHYARD__DRAIN__DELAY: "0s",
      // Processes of a test share two cores: what is shed for their sake would be no figure of the shadow.
      SWITCHYARD__SHADOW__YIELD_ABOVE: "1s",
      ...env,
    },
  });
  const line = proxy.logLines().find((entry) => entry.msg === "listening");
  await eventually(() => {
    const ready = proxy.logLines().filter(({ event }) => event === "shadow.target.safe");
    if (ready.length < 2) throw new Error("the targets are not known yet");
  });
  const adminUrl = String(line?.admin ?? "");
  const withAdmin = stopWithEvenAccounts(Object.assign(proxy, { adminUrl }), adminUrl);
  return {
    proxy: withAdmin,
    stateDir,
    targets: { control: shadowControl, candidate: shadowCandidate },
    async stop() {
      await stopAll([proxy, ...services]);
    },
  };
}
