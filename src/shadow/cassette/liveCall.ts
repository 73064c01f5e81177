// One call of a shadow target that asks the models itself (shadow K6): passed on, and counted against the budget (W6).
import type { ClientRequest } from "node:http";
import type { Clock } from "../../kernel/index.ts";
import { sendNoRecording, sendProblem } from "./answers.ts";
import type { CallKey } from "./callKey.ts";
import { providerHeaders } from "./headers.ts";
import { type AnswerCopy, passAnswer } from "./passAnswer.ts";
import type { PlaybackCall } from "./playback.ts";
import type { CassetteMiss, ReplayOutcome, TokensOf } from "./ports.ts";
import { type OnProvider, type Provider, UNREACHABLE, watchConnection } from "./provider.ts";
import type { TapeEnd, TapeHead } from "./tape.ts";
import type { Settle, TokenBudget } from "./tokenBudget.ts";

export interface LiveDeps {
  readonly provider: Provider;
  readonly budget: TokenBudget;
  readonly tokensOf: TokensOf;
  readonly onProvider: OnProvider;
}

export interface LiveCall extends PlaybackCall {
  readonly key: CallKey;
  /** Below the provider's base URL. */
  readonly path: string;
  readonly body: Buffer;
}

/** Of text in most languages, at least; so that what is not told is counted too high rather than too low. */
const BYTES_PER_TOKEN = 3;
/** Where an answer tells its tokens: with a stream's last event, and behind the vectors of embeddings. */
const TAIL_BYTES = 65_536;
const PIECES_MAX = 1_000;

const estimateOf = (bytes: number): number => Math.ceil(bytes / BYTES_PER_TOKEN);

/** @throws TypeError for a head that cannot be sent on; nothing has begun then */
export function liveCall(
  call: LiveCall,
  live: LiveDeps,
  { clock, onMiss }: { readonly clock: Clock; readonly onMiss: (miss: Omit<CassetteMiss, "n">) => void },
): Promise<ReplayOutcome> {
  const { key, body, request, response, requestId, left } = call;
  if (left.aborted) return Promise.resolve("failed");
  const settle = live.budget.take(estimateOf(body.length));
  if (settle === null) {
    const miss = { kind: key.kind, key: key.hashes[0] ?? "", requestId, reason: "budget" } as const;
    onMiss({ ...miss, atMs: clock.now(), occurrence: 1, nearest: null });
    sendNoRecording(response, miss);
    return Promise.resolve("miss");
  }
  const outgoing = requestOf(call, live.provider, settle);
  return new Promise((resolve) => {
    const meter = new AnswerMeter(body.length, settle, live.tokensOf, (isWhole) =>
      resolve(isWhole ? "live" : "failed"),
    );
    outgoing.on("response", (answer) => passAnswer(answer, response, meter));
    watchConnection(outgoing, response, live.onProvider, (isConnected) => {
      if (isConnected) response.destroy();
      else {
        meter.end("unreachable");
        sendProblem(request, response, "SY_UPSTREAM_REFUSED", UNREACHABLE);
      }
    });
    response.once("close", () => {
      meter.end("broken");
      outgoing.destroy();
    });
    outgoing.end(body);
  });
}

/** @throws TypeError for a head that cannot be sent on; it spends nothing */
function requestOf({ request, path }: LiveCall, provider: Provider, settle: Settle): ClientRequest {
  const method = request.method ?? "POST";
  try {
    const headers = providerHeaders(request.rawHeaders, method, provider.host);
    return provider.request(method, provider.basePath + path, headers);
  } catch (error) {
    settle(0);
    throw error;
  }
}

/** What an answer has spent, as it says itself at its end. */
class AnswerMeter implements AnswerCopy {
  readonly #requestBytes: number;
  readonly #settle: Settle;
  readonly #tokensOf: TokensOf;
  readonly #onEnd: (isWhole: boolean) => void;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #bytes = 0;
  /** A refusal that does not say what it has spent has spent nothing. */
  #isRefused = false;
  #hasEnded = false;

  constructor(requestBytes: number, settle: Settle, tokensOf: TokensOf, onEnd: (isWhole: boolean) => void) {
    this.#requestBytes = requestBytes;
    this.#settle = settle;
    this.#tokensOf = tokensOf;
    this.#onEnd = onEnd;
  }

  begin({ status }: TapeHead): void {
    this.#isRefused = status >= 400;
  }

  append(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    this.#tailBytes += chunk.length;
    this.#tail.push(Buffer.from(chunk));
    if (this.#tailBytes <= 2 * TAIL_BYTES && this.#tail.length < PIECES_MAX) return;
    const kept = Buffer.concat(this.#tail).subarray(-TAIL_BYTES);
    this.#tail = [Buffer.from(kept)];
    this.#tailBytes = kept.length;
  }

  end(how: TapeEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const told = this.#tokensOf(Buffer.concat(this.#tail).subarray(-TAIL_BYTES).toString("utf8"));
    const isFree = how === "unreachable" || this.#isRefused;
    this.#settle(told ?? (isFree ? 0 : estimateOf(this.#requestBytes + this.#bytes)));
    this.#tail = [];
    this.#onEnd(how === "complete");
  }
}
