// Calls of four kinds at a rate of their own, whatever becomes of their answers: what is slow is seen, not waited for.
import { Agent, request as httpRequest } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { createIssuer, TEST_SECRET } from "../../support/index.ts";
import { bytesOf, sha256 } from "./bytes.ts";
import { exchangeFrames, Tally } from "./transfers.ts";

export interface LoadOptions {
  readonly baseUrl: string;
  readonly seconds: number;
  readonly callsPerSecond: number;
  /** One after the other in so many lanes, of a few turns each. */
  readonly socketLanes: number;
}

export interface LoadResult {
  readonly calls: number;
  readonly sockets: number;
  readonly tally: Tally;
  /** Of the calls whose answer comes at once. */
  readonly p99Ms: number;
}

const SUBJECTS = 40;
const SLOT_MS = 20;
/** A process that has just begun is slow with everything. */
const LEAD_IN_SHARE = 0.25;
const ANSWER_MS = 20_000;
const UPLOAD = bytesOf(7, 16_384);
const SMALL = 1_024;
const TURNS = 5;
const FRAME_MAX = 4_096;
const EVENTS = Buffer.from(Array.from({ length: 5 }, (_, at) => `id: ${at}\ndata: event ${at}\n\n`).join(""));

interface Kind {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: Buffer | null;
  readonly answer: Buffer;
  readonly isTimed: boolean;
}

const READ: Kind = {
  method: "GET",
  path: `/bytes?size=${SMALL}&seed=3`,
  body: null,
  answer: bytesOf(3, SMALL),
  isTimed: true,
};
const WRITE: Kind = {
  method: "POST",
  path: `/bytes?size=${SMALL}&seed=4`,
  body: UPLOAD,
  answer: Buffer.concat([Buffer.from(sha256(UPLOAD)), bytesOf(4, SMALL)]),
  isTimed: true,
};
const STREAM: Kind = { method: "GET", path: "/events", body: null, answer: EVENTS, isTimed: false };
const IN_TURN = [READ, READ, WRITE, READ, STREAM];

function ask(agent: Agent, baseUrl: string, token: string, { method, path, body }: Kind): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body !== null && { "content-length": body.length, "content-type": "application/octet-stream" }),
    };
    const outgoing = httpRequest(baseUrl + path, { method, agent, headers });
    outgoing.setTimeout(ANSWER_MS, () => outgoing.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => void chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        if (incoming.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`status ${incoming.statusCode}`));
      });
    });
    outgoing.end(body ?? undefined);
  });
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? 0;

export async function runLoad({ baseUrl, seconds, callsPerSecond, socketLanes }: LoadOptions): Promise<LoadResult> {
  const issuer = createIssuer(TEST_SECRET);
  const tokens = Array.from({ length: SUBJECTS }, (_, at) => issuer.token(`person-${at}`, `${at}@example.test`));
  const agent = new Agent({ keepAlive: true });
  const tally = new Tally();
  const timesMs: number[] = [];
  const open = new Set<Promise<void>>();
  let [calls, sockets] = [0, 0];
  const beginMs = performance.now();
  const warmMs = beginMs + seconds * 1_000 * LEAD_IN_SHARE;
  const endMs = beginMs + seconds * 1_000;
  const one = async (at: number): Promise<void> => {
    const kind = IN_TURN[at % IN_TURN.length] as Kind;
    const startedMs = performance.now();
    try {
      const answer = await ask(agent, baseUrl, tokens[at % SUBJECTS] as string, kind);
      if (kind.isTimed && startedMs >= warmMs) timesMs.push(performance.now() - startedMs);
      if (!answer.equals(kind.answer)) tally.alter(`${kind.method} ${kind.path}`);
    } catch (error) {
      tally.fail(`${kind.method} ${kind.path}`, error);
    }
  };
  const lane = async (lane: number): Promise<void> => {
    while (performance.now() < endMs) {
      const token = issuer.token(`socket-${lane}-${sockets}`, "socket@example.test");
      sockets += 1;
      await exchangeFrames({ baseUrl, token, seed: sockets, turns: TURNS, most: FRAME_MAX }, tally);
    }
  };
  const lanes = Array.from({ length: socketLanes }, (_, at) => lane(at));
  for (let nowMs = beginMs; nowMs < endMs; nowMs = performance.now()) {
    for (const due = ((nowMs - beginMs) / 1_000) * callsPerSecond; calls < due; calls++) {
      const running = one(calls).finally(() => open.delete(running));
      open.add(running);
    }
    await pause(SLOT_MS);
  }
  await Promise.all([...open, ...lanes]);
  agent.destroy();
  return { calls, sockets, tally, p99Ms: quantile(timesMs, 0.99) };
}
