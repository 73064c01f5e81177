// Reads evidence and writes reports beside the loop that serves: SQLite is synchronous (shadow I5), and a report takes long.
import { parentPort } from "node:worker_threads";
import { answerReport } from "../cli/index.ts";
import type { Config } from "../config/index.ts";
import type { ReportAnswer, ReportAsked } from "../console/index.ts";
import { SHADOW } from "../contract/index.ts";

export interface ReportQuestion {
  readonly id: number;
  readonly config: Config;
  readonly asked: ReportAsked;
}

export interface ReportReply {
  readonly id: number;
  /** Null: a fault of ours, with its name. */
  readonly answer: ReportAnswer | null;
  readonly fault: string;
}

/** One after the other: the next would only wait for the same processor. */
let last: Promise<void> = Promise.resolve();

async function answer({ id, config, asked }: ReportQuestion): Promise<void> {
  const reply = await answerReport(config, SHADOW, asked).then(
    (found): ReportReply => ({ id, answer: found, fault: "" }),
    (error: unknown): ReportReply => ({ id, answer: null, fault: error instanceof Error ? error.name : "unknown" }),
  );
  parentPort?.postMessage(reply);
}

parentPort?.on("message", (question: ReportQuestion) => {
  last = last.then(() => answer(question));
});
