// The list of misses as whoever is not the cassette reads it (shadow K3).
import { request } from "undici";
import { z } from "zod";
import { DIFFERENCE_KINDS } from "../words.ts";
import { MISS_REASONS } from "./ports.ts";

const BYTES_MAX = 4 * 1_048_576;

const difference = z.object({
  path: z.string().max(1_000),
  kind: z.enum(DIFFERENCE_KINDS),
  recorded: z.string().max(100).nullable(),
  asked: z.string().max(100).nullable(),
  count: z.number(),
});
const miss = z.object({
  n: z.number(),
  atMs: z.number(),
  kind: z.string().max(100),
  key: z.string().max(100),
  requestId: z.string().max(128).nullable(),
  occurrence: z.number(),
  reason: z.enum(MISS_REASONS),
  nearest: z
    .object({
      key: z.string().max(100),
      requestId: z.string().max(128).nullable(),
      differences: z.array(difference).max(100),
    })
    .nullable(),
});
const page = z.object({
  boot: z.string().max(100),
  misses: z.array(miss),
  next: z.number(),
  hasMore: z.boolean(),
  live: z.boolean().default(false),
});
export type MissesPage = z.infer<typeof page>;

export interface MissesAt {
  readonly replay: { readonly host: string; readonly port: number };
  /** null: it asks for none. */
  readonly missesToken: string | null;
}

class Refused extends Error {}

/** Never what was sent or read: the one holds the token, the other is another process's. */
export function whyNoMisses(error: unknown): string {
  if (error instanceof Refused) return error.message;
  if (error instanceof z.ZodError || error instanceof SyntaxError) return "it does not answer with misses";
  const code = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" && code !== "UND_ERR_ABORTED" ? code : "it does not answer in time";
}

/** @param since the number of the last one that is known @throws when it is not a page; {@link whyNoMisses} says it */
export async function readMisses(
  { replay, missesToken }: MissesAt,
  since: number,
  signal: AbortSignal,
): Promise<MissesPage> {
  const host = replay.host.includes(":") ? `[${replay.host}]` : replay.host;
  const headers = missesToken === null ? {} : { authorization: `Bearer ${missesToken}` };
  const reply = await request(`http://${host}:${replay.port}/misses?since=${since}`, { headers, signal });
  if (reply.statusCode !== 200) {
    await reply.body.dump();
    const isToken = reply.statusCode === 401;
    throw new Refused(isToken ? "it does not take this token for its misses" : `it answered ${reply.statusCode}`);
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of reply.body as AsyncIterable<Buffer>) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > BYTES_MAX) throw new Refused("its answer is too long");
  }
  return page.parse(JSON.parse(Buffer.concat(pieces).toString("utf8")));
}
