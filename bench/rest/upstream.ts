import { fileURLToPath } from "node:url";
import { jsonLine, type Running, start } from "../lib/process.ts";
import { startNginxUpstream } from "../peers/nginx.ts";
import { COUNT_PATH } from "./answer.ts";

const FIXED_ANSWER = fileURLToPath(new URL("../peers/fixedAnswer.ts", import.meta.url));

export interface Upstream extends Running {
  readonly kind: "nginx" | "node:http";
  readonly controlUrl: string;
  readonly candidateUrl: string;
  /** Calls answered so far, always with 200. */
  answered(): Promise<number>;
}

const at = (port: number | undefined): string => `http://127.0.0.1:${port}`;

/** The fixed answer in a process of its own, by nginx where installed: the cheaper it is, the less it disturbs. */
export async function startUpstream(dir: string, name = "upstream"): Promise<Upstream> {
  const nginx = await startNginxUpstream(dir, `${name}-nginx`);
  if (nginx !== null) return upstream(nginx, "nginx", nginx.ports);
  const node = await startFixedAnswer(dir, `${name}-node`);
  return upstream(node, "node:http", node.ready);
}

/** Node's `http` answering by itself, on two ports. */
export const startFixedAnswer = (dir: string, name: string) =>
  start(
    { name, command: process.execPath, args: [FIXED_ANSWER], dir },
    jsonLine((line) => (typeof line["port"] === "number" ? [line["port"], line["otherPort"] as number] : null)),
  );

function upstream(running: Running, kind: Upstream["kind"], [control, candidate]: readonly number[]): Upstream {
  const controlUrl = at(control);
  return {
    ...running,
    kind,
    controlUrl,
    candidateUrl: at(candidate),
    async answered() {
      const text = await (await fetch(controlUrl + COUNT_PATH)).text();
      // nginx's stub_status: accepted, handled, requests; Node's: the number alone.
      return Number(/^\s*(?:\d+ \d+ )?(\d+)\s*$/m.exec(text)?.[1]);
    },
  };
}
