// Calls and frames whose bytes are checked at both ends: what went up by the hash that comes back, what came down by its own.
import { createHash } from "node:crypto";
import { Agent, type ClientRequest, request as httpRequest } from "node:http";
import { openSocket } from "../../support/index.ts";
import { bytesOf, createRandom, piecesOf, sha256 } from "./bytes.ts";

/** What became of so many bodies and frames. */
export class Tally {
  bodies = 0;
  frames = 0;
  bytes = 0;
  altered = 0;
  failed = 0;
  /** The first few, for people. */
  readonly why: string[] = [];

  alter(what: string): void {
    this.altered += 1;
    this.#tell(`altered: ${what}`);
  }

  fail(what: string, error: unknown): void {
    this.failed += 1;
    this.#tell(`failed: ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }

  #tell(text: string): void {
    if (this.why.length < WHY_MAX) this.why.push(text);
  }
}

const WHY_MAX = 10;
const ANSWER_MS = 60_000;
const LARGEST = 1_048_576;
/** What buffers, windows and taps end at. */
const EDGES = [0, 1, 65_535, 65_536, 262_143, 262_144, 262_145, LARGEST];

/** Mostly small, as bodies are, and now and then anything up to 1 MiB. */
function sizeOf(random: () => number): number {
  const kind = random();
  if (kind < 0.02) return EDGES[Math.floor(random() * EDGES.length)] as number;
  const most = kind < 0.04 ? LARGEST : kind < 0.27 ? 65_536 : 4_096;
  return Math.floor(random() * (most + 1));
}

interface Transfer {
  readonly up: Buffer | null;
  readonly isUpChunked: boolean;
  readonly down: number;
  readonly isDownChunked: boolean;
  readonly seed: number;
}

interface Answer {
  readonly status: number;
  readonly length: string | undefined;
  readonly hash: string;
}

function send(outgoing: ClientRequest, { up, isUpChunked }: Transfer, random: () => number): void {
  if (up !== null && !isUpChunked) outgoing.setHeader("content-length", up.length);
  for (const piece of up === null ? [] : piecesOf(up, random)) outgoing.write(piece);
  outgoing.end();
}

/** One caller with one connection. */
export function createCaller(baseUrl: string, token: string, seed: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const random = createRandom(seed);

  const call = (transfer: Transfer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { up, down, isDownChunked } = transfer;
      const path = `/bytes?size=${down}&seed=${transfer.seed}${isDownChunked ? "&chunked=1" : ""}`;
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/octet-stream" };
      const outgoing = httpRequest(baseUrl + path, { method: up === null ? "GET" : "POST", agent, headers });
      outgoing.setTimeout(ANSWER_MS, () => outgoing.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
      outgoing.on("error", reject);
      outgoing.on("response", (incoming) => {
        const hash = createHash("sha256");
        incoming.on("data", (chunk: Buffer) => hash.update(chunk));
        incoming.on("error", reject);
        incoming.on("end", () => {
          const { statusCode = 0, headers: heard } = incoming;
          resolve({ status: statusCode, length: heard["content-length"], hash: hash.digest("hex") });
        });
      });
      send(outgoing, transfer, random);
    });

  return {
    /** A download or, as often, an upload with an answer as random. */
    async transfer(tally: Tally): Promise<void> {
      const transfer = {
        up: random() < 0.5 ? null : bytesOf(random(), sizeOf(random)),
        isUpChunked: random() < 0.5,
        down: sizeOf(random),
        isDownChunked: random() < 0.5,
        seed: random(),
      };
      const { up, down, isDownChunked } = transfer;
      const what = `${up?.length ?? "nothing"} up, ${down} down`;
      const body = Buffer.concat([Buffer.from(up === null ? "" : sha256(up)), bytesOf(transfer.seed, down)]);
      try {
        const { status, length, hash } = await call(transfer);
        if (status !== 200) return tally.fail(what, `status ${status}`);
        tally.bodies += up === null ? 1 : 2;
        tally.bytes += body.length + (up?.length ?? 0);
        if (hash !== sha256(body)) tally.alter(what);
        else if (length !== (isDownChunked ? undefined : String(body.length))) tally.alter(`${what}: length ${length}`);
      } catch (error) {
        tally.fail(what, error);
      }
    },
    close: () => agent.destroy(),
  };
}

/** One socket: each frame is answered by its hash and by itself. @param most bytes of a frame */
export async function exchangeFrames(
  { baseUrl, token, seed, turns, most }: { baseUrl: string; token: string; seed: number; turns: number; most: number },
  tally: Tally,
): Promise<void> {
  const random = createRandom(seed);
  const url = `${baseUrl.replace("http", "ws")}/socket`;
  try {
    const socket = await openSocket(url, { headers: { authorization: `Bearer ${token}` } });
    for (let turn = 0; turn < turns; turn++) {
      const bytes = bytesOf(random(), Math.min(most, sizeOf(random)));
      const isBinary = random() < 0.5;
      const frame = isBinary ? bytes : Buffer.from(bytes.toString("base64").slice(0, most));
      socket.socket.send(frame, { binary: isBinary });
      const [hash, echo] = [await socket.next(ANSWER_MS), await socket.next(ANSWER_MS)];
      tally.frames += 3;
      tally.bytes += 2 * frame.length;
      if (hash.data.toString("utf8") !== sha256(frame)) tally.alter(`a frame of ${frame.length} on its way up`);
      if (echo.isBinary !== isBinary || !echo.data.equals(frame)) tally.alter(`a frame of ${frame.length} down`);
      socket.log.length = 0;
    }
    await socket.close();
  } catch (error) {
    tally.fail("a socket", error);
  }
}
