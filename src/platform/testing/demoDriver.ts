// Runs the demo command as the command line would, in a folder whose services are small stand-ins and with a proxy that
// is one HTTP server. Started by demo.test.ts as a process of its own, since signals and exit codes are what it is about.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Command } from "commander";
import { StartError } from "../../cli/ports.ts";
import { registerDemo } from "../demo.ts";
import type { DemoDeps, RunningProxy } from "../ports.ts";

const root = process.env["DRIVER_ROOT"] ?? "";
const note = (text: string): void => appendFileSync(join(root, "notes"), `${text}\n`);

/** The flag, kept over restarts as the state folder keeps it. */
const flagFile = join(root, "exposure.json");
const exposure = (): number | null =>
  existsSync(flagFile) ? (JSON.parse(readFileSync(flagFile, "utf8")) as number) : null;
const answers: Record<string, (body: string) => readonly [number, unknown]> = {
  "POST /api/auth/login": () => [401, { detail: "Invalid email or password" }],
  "POST /api/auth/register": (body) => {
    const { email } = JSON.parse(body) as { email: string };
    return [201, { access_token: `token of ${email}`, expires_in: 1_800, user: { id: `id-of-${email}` } }];
  },
  "GET /api/flags": () =>
    process.env["DRIVER_BROKEN_ADMIN"]
      ? [503, { detail: "not now" }]
      : [200, { flags: [{ unit: "tutoring", exposurePercent: exposure() }] }],
  "POST /api/flags": (body) => {
    const { percent } = JSON.parse(body) as { percent: number };
    writeFileSync(flagFile, JSON.stringify(percent));
    note(`exposure ${percent}`);
    return [200, {}];
  },
};

/** Both listeners in one: the students' calls and the admin API. `listen` comes from the demo's own overrides. */
async function startProxy(listen: string): Promise<RunningProxy> {
  const finished = Promise.withResolvers<0>();
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString("utf8")));
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "http://x");
      const user = url.searchParams.get("user");
      const [status, json] =
        url.pathname === "/api/explain"
          ? ([200, { arm: user?.startsWith("id-of-ada") ? "candidate" : "control" }] as const)
          : (answers[`${request.method} ${url.pathname}`]?.(body) ?? [503, {}]);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
    });
  });
  const port = Number(listen.split(":")[1]);
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  writeFileSync(join(root, "operate.token"), "operate\n");
  note("proxy started");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    adminAddress: address,
    operateTokenFile: join(root, "operate.token"),
    done: finished.promise,
    stop() {
      note("proxy stopped");
      server.closeAllConnections();
      server.close(() => finished.resolve(0));
    },
    reload() {
      keepOverrides();
      return Promise.resolve({ isApplied: true, message: "" });
    },
  };
}

/** The host is a note of its start and its end; the service is the small stand-in. */
const startCandidate: DemoDeps["startCandidate"] = async ({ env, hostPort, onHost, onHostEvent, startService }) => {
  let isOver = false;
  const end = (how: string): void => {
    if (!isOver) note(`host ${how}`);
    isOver = true;
  };
  onHost({ stop: () => Promise.resolve(end("stopped")), kill: () => end("killed") });
  onHostEvent({ event: "listening" });
  return { service: await startService({ ...env, CONVEX_URL: `http://127.0.0.1:${hostPort}` }) };
};

/** What the configuration would be read with now. */
const keepOverrides = (): void => writeFileSync(join(root, "overrides.json"), JSON.stringify(overridesSeen.value));
const overridesSeen: { value: Readonly<Record<string, unknown>> } = { value: {} };
const deps: DemoDeps = {
  version: "0.0.0",
  root,
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  loadConfig: ({ overrides = {} }) => {
    overridesSeen.value = overrides;
    keepOverrides();
    return { config: {} } as ReturnType<DemoDeps["loadConfig"]>;
  },
  startProxy: () => startProxy(String(overridesSeen.value["listen"])),
  startCandidate,
  exit: (code) => process.exit(code),
};
const program = new Command().exitOverride();
registerDemo(program, deps);
try {
  await program.parseAsync(process.argv.slice(2), { from: "user" });
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = error instanceof StartError ? error.exitCode : 70;
}
