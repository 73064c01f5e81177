import type { Service } from "./process.ts";

export interface ProxyOptions {
  readonly controlUrl: string;
  readonly candidateUrl: string;
  /** The arm that serves every subject. */
  readonly everyoneOn: "control" | "candidate";
  readonly env?: Record<string, string>;
}

export async function startProxy(_options: ProxyOptions): Promise<Service> {
  throw new Error("the proxy has no entry point yet");
}
