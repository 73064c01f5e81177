// The thread that makes reports for the admin API: begun with the first question, and anew when it has died.
import { Worker } from "node:worker_threads";
import type { Config } from "../config/index.ts";
import type { ReportAnswer, ReportAsked, ShadowReports } from "../console/index.ts";
import type { ReportQuestion, ReportReply } from "./shadowReportThread.ts";

/** Questions that wait; whoever asks more often than this is refused. */
const WAITING_MAX = 8;
const ENTRY = new URL("./shadowReportThread.ts", import.meta.url);

type Waiting = PromiseWithResolvers<ReportAnswer>;

export class ShadowReportThread implements ShadowReports {
  readonly #config: () => Config;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #last = 0;

  /** @param config as it is in force */
  constructor(config: () => Config) {
    this.#config = config;
  }

  report(asked: ReportAsked): Promise<ReportAnswer> {
    if (this.#waiting.size >= WAITING_MAX) return Promise.resolve(BUSY);
    const id = ++this.#last;
    const waiting = Promise.withResolvers<ReportAnswer>();
    this.#waiting.set(id, waiting);
    const question: ReportQuestion = { id, config: this.#config(), asked };
    this.#worker ??= this.#start();
    this.#worker.postMessage(question);
    return waiting.promise;
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(ENTRY);
    worker.unref(); // nobody waits for a report to end the process
    worker.on("message", ({ id, answer, fault }: ReportReply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (answer === null) waiting?.reject(new Error(`a report could not be made: ${fault}`));
      else waiting?.resolve(answer);
    });
    worker.on("error", () => {});
    worker.on("exit", () => {
      this.#worker = null;
      for (const { reject } of this.#waiting.values()) reject(new Error("the thread of the reports has ended"));
      this.#waiting.clear();
    });
    return worker;
  }
}

const BUSY: ReportAnswer = {
  isFound: false,
  isThere: false,
  detail: `${WAITING_MAX} reports are asked for already.`,
  next: "Ask again when they are answered.",
};
