// Follows one served call (shadow I3, S3): its copy is offered with the head of the served answer, its observation when it ends.
import { otherArm } from "../../kernel/index.ts";
import type { CallTap, LeavingLeg, LegError } from "../../proxy/ports.ts";
import type { BodyTap, TapLoss } from "../mirror/bodyTap.ts";
import type { CompareItem, CopyRequest, JobFacts, Result } from "../threads/messages.ts";
import type { NotComparedReason } from "../words.ts";

export interface TapDeps {
  readonly facts: JobFacts;
  readonly leg: LeavingLeg;
  readonly request: BodyTap | null;
  readonly response: BodyTap;
  /** Monotonic ms. */
  now(): number;
  offer(copy: CopyRequest): void;
  /** There is no copy, and nothing to compare. */
  skip(reason: NotComparedReason): void;
  served(item: Extract<CompareItem, { kind: "served" }>): void;
}

interface Head {
  readonly status: number;
  readonly headers: readonly string[];
  readonly firstByteMs: number;
}

export class ServedCallTap implements CallTap {
  readonly #deps: TapDeps;
  readonly #startedMs: number;
  #head: Head | null = null;
  #isRequestWhole: boolean;
  #state: "open" | "offered" | "skipped" = "open";
  #isOver = false;

  constructor(deps: TapDeps) {
    this.#deps = deps;
    this.#startedMs = deps.now();
    this.#isRequestWhole = deps.request === null;
  }

  requestChunk(chunk: Uint8Array): void {
    if (this.#state === "open") this.#deps.request?.add(chunk);
  }

  requestEnd(): void {
    this.#isRequestWhole = true;
    if (this.#head !== null) this.#offer();
  }

  head(status: number, raw: readonly Uint8Array[]): void {
    const headers = raw.map((part, at) => {
      const text = (part as Buffer).toString("latin1");
      return at % 2 === 0 ? text.toLowerCase() : text;
    });
    this.#head = { status, headers, firstByteMs: this.#deps.now() - this.#startedMs };
    if (this.#isRequestWhole) this.#offer();
  }

  chunk(chunk: Uint8Array): void {
    if (this.#state !== "skipped") this.#deps.response.add(chunk);
  }

  end(error: LegError | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Who knows what the arm would have done; the copy lives for itself once it was offered (shadow I9).
    if (error === "aborted" && this.#state === "open") this.#skip("served_aborted");
    // It failed before any head: what the other arm does with it is worth knowing.
    else if (this.#state === "open" && this.#isRequestWhole) this.#offer();
    else if (this.#state === "open") this.#skip("served_aborted");
    // Its job was lost with a thread: what was tapped is gone, and nobody waits for it.
    if (this.#state === "skipped" || this.#deps.response.isReleased) return;
    const { facts, response, served } = this.#deps;
    const loss: TapLoss | null = response.loss;
    const totalMs = this.#deps.now() - this.#startedMs;
    const firstByteMs = this.#head?.firstByteMs ?? null;
    served({ kind: "served", facts, result: this.#result(error), loss, firstByteMs, totalMs });
  }

  #result(error: LegError | null): Result {
    if (error !== null) return { error };
    const { status, headers } = this.#head ?? { status: 502, headers: [] };
    return { reply: { status, headers, body: this.#deps.response.whole() ?? new Uint8Array(0) } };
  }

  #offer(): void {
    if (this.#state !== "open") return;
    const { leg, request, response, facts } = this.#deps;
    if (response.isReleased) {
      this.#skip("engine_lost");
      return;
    }
    if (request?.loss != null) {
      this.#skip(request.loss);
      return;
    }
    this.#state = "offered";
    this.#deps.offer({
      method: leg.method,
      target: leg.targetFor(otherArm(facts.served)),
      headers: leg.headers,
      body: request?.whole() ?? null,
      hasSubject: leg.subject !== null,
      servedFirstByteMs: this.#head?.firstByteMs ?? null,
    });
  }

  #skip(reason: NotComparedReason): void {
    this.#state = "skipped";
    this.#deps.skip(reason);
  }
}
