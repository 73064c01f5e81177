import type { Command } from "commander";
import { runHostProgram } from "../convexHost/index.ts";
import { candidateDataDir, writeHostVariables } from "./candidate.ts";

export interface ConvexCommandsDeps {
  readonly env: NodeJS.ProcessEnv;
  /** Folder of the functions. */
  readonly functionsDir: string;
  exit(code: number): void;
}

const PORT = "8004";

/** `switchyard convex`: the embedded, Convex-compatible host without the rest of the platform (embedded-convex §3.11). */
export function registerConvex(program: Command, { env, functionsDir, exit }: ConvexCommandsDeps): void {
  const convex = program
    .command("convex")
    .summary("the embedded, Convex-compatible host of the candidate's functions: run it alone, export, import");
  const data = ["--data <dir>", "folder of the host's data", candidateDataDir(env)] as const;
  const run = async (args: readonly string[]): Promise<void> => {
    const code = await runHostProgram(args);
    if (code !== 0) exit(code);
  };
  convex
    .command("dev")
    .summary("run the host alone and reload the functions when they change")
    .option(...data)
    .option("--port <port>", "where it listens, on loopback", PORT)
    .option("--check-determinism", "run every mutation twice and refuse those that differ", false)
    .action(async (options: { data: string; port: string; checkDeterminism: boolean }) => {
      const envFile = await writeHostVariables(env);
      const flags = ["--watch", ...(options.checkDeterminism ? ["--check-determinism"] : [])];
      const place = ["--functions", functionsDir, "--data", options.data, "--port", options.port];
      await run([...place, "--env-file", envFile, ...flags]);
    });
  convex
    .command("export")
    .summary("write a snapshot that `npx convex import` reads; the host must not run")
    .argument("<dir>", "folder to write, new or empty")
    .option(...data)
    .action((dir: string, options: { data: string }) => run(["export", dir, "--data", options.data]));
  convex
    .command("import")
    .summary("read a snapshot into a data folder that is new or empty")
    .argument("<dir>", "folder that was exported")
    .option(...data)
    .action((dir: string, options: { data: string }) => run(["import", dir, "--data", options.data]));
}
