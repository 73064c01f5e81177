// Calls of the internal endpoints of one arm (contract rest.md §7), over whichever of its instances answers.
import { rest } from "../contract/index.ts";
import { type Arm, CarrierError, type Cursor, type Subject } from "../continuity/ports.ts";

export interface ArmDataOptions {
  readonly arm: Arm;
  /** Origins of its instances. */
  readonly urls: readonly string[];
  /** Never in an error or a log. */
  readonly token: string;
}

/** Of one POST: an arm refuses more. */
const BODY_BYTES_MAX = 4 * 1_024 * 1_024;
/** Of one POST: what an arm applies within a few tenths of a second (handoff §3). */
const ROWS_MAX = 200;
/** Of one answer: an arm ends a page long before, one board aside. */
const ANSWER_BYTES_MAX = 128 * 1_024 * 1_024;
/** A line of an export: a board's whole state, as text. */
const LINE_CHARS_MAX = 64 * 1_024 * 1_024;

export class ArmData {
  readonly #options: ArmDataOptions;
  /** The instance that answered last. */
  #at = 0;

  constructor(options: ArmDataOptions) {
    this.#options = options;
  }

  async changes(
    { after, limit, subject }: { after: Cursor; limit: number; subject?: Subject },
    signal: AbortSignal,
  ): Promise<rest.ChangesPage> {
    const query = new URLSearchParams({ after: String(after), limit: String(limit) });
    if (subject !== undefined) query.set("user_id", subject);
    return this.#read(`/internal/changes?${query}`, rest.changesPage, signal);
  }

  /** In parts that an arm takes; what was applied before a failure stays. */
  async apply(changes: readonly rest.Change[], signal: AbortSignal): Promise<rest.ChangesApplied> {
    const sum: rest.ChangesApplied = { applied: 0, skipped: 0, rejected: [], conflicts: [] };
    for (const body of bodiesOf(changes)) {
      const reply = await this.#call("/internal/changes", signal, { method: "POST", body });
      const part = this.#parse(await this.#text(reply), rest.changesApplied);
      sum.applied += part.applied;
      sum.skipped += part.skipped;
      sum.rejected.push(...part.rejected);
      sum.conflicts.push(...part.conflicts);
    }
    return sum;
  }

  digest(subject: Subject, signal: AbortSignal) {
    return this.#read(`/internal/users/${encodeURIComponent(subject)}/digest`, rest.digest, signal);
  }

  users(after: Subject | null, signal: AbortSignal) {
    const query = new URLSearchParams({ limit: "500", ...(after !== null && { after }) });
    return this.#read(`/internal/users?${query}`, rest.users, signal);
  }

  /** The rows of a subject one by one; returns the place in the feed from which the rest comes. */
  async *export(subject: Subject, signal: AbortSignal): AsyncGenerator<rest.Change, Cursor> {
    const reply = await this.#call(`/internal/users/${encodeURIComponent(subject)}/export`, signal);
    let last: unknown = null;
    for await (const line of this.#lines(reply)) {
      if (last !== null) yield this.#parsed(last, rest.change);
      last = line;
    }
    return this.#parsed(last, rest.exportEnd).cursor;
  }

  async #read<T>(path: string, schema: Schema<T>, signal: AbortSignal): Promise<T> {
    return this.#parse(await this.#text(await this.#call(path, signal)), schema);
  }

  async #call(path: string, signal: AbortSignal, init: { method?: string; body?: string } = {}): Promise<Response> {
    const { urls, token } = this.#options;
    let failure: unknown = null;
    for (let tried = 0; tried < urls.length; tried++) {
      const at = (this.#at + tried) % urls.length;
      try {
        const headers = {
          "x-service-token": token,
          ...(init.body !== undefined && { "content-type": "application/json" }),
        };
        const reply = await fetch(new URL(path, urls[at]), { ...init, headers, signal, redirect: "error" });
        this.#at = at;
        if (reply.ok) return reply;
        throw await this.#refusal(path, reply);
      } catch (error) {
        if (error instanceof CarrierError) throw error;
        failure = error;
        if (signal.aborted) break;
      }
    }
    throw this.#unavailable(`${nameOf(path)}: no answer`, failure);
  }

  async #refusal(path: string, reply: Response): Promise<CarrierError> {
    const { status } = reply;
    await reply.body?.cancel().catch(() => undefined);
    const { arm } = this.#options;
    const what = `${nameOf(path)} of ${arm} answered ${status}`;
    if (status === 410) return new CarrierError("expired", arm, what);
    if (status >= 500 || status === 429) return new CarrierError("unavailable", arm, what);
    const hint = status === 401 || status === 404 ? ": is SERVICE_TOKEN the same for the arm and the proxy?" : "";
    return new CarrierError("refused", arm, what + hint);
  }

  async #text(reply: Response): Promise<string> {
    try {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of reply.body ?? []) {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) throw new Error("the answer is too long");
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString();
    } catch (error) {
      throw this.#unavailable("the answer broke off", error);
    }
  }

  async *#lines(reply: Response): AsyncGenerator<unknown> {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of reply.body ?? []) {
        rest += decoder.decode(chunk, { stream: true });
        const lines = rest.split("\n");
        rest = lines.pop() ?? "";
        if (rest.length > LINE_CHARS_MAX) throw new Error("a line of the export is too long");
        for (const line of lines) if (line !== "") yield JSON.parse(line) as unknown;
      }
    } catch (error) {
      throw this.#unavailable("the export broke off", error);
    }
    if (rest !== "") yield this.#json(rest);
  }

  #parse<T>(text: string, schema: Schema<T>): T {
    return this.#parsed(this.#json(text), schema);
  }

  #json(text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw this.#unavailable("the answer is not whole", error);
    }
  }

  #parsed<T>(value: unknown, schema: Schema<T>): T {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const { arm } = this.#options;
    throw new CarrierError("refused", arm, `an answer of ${arm} is not what contract rest §7 says`, {
      cause: parsed.error,
    });
  }

  #unavailable(what: string, cause: unknown): CarrierError {
    const { arm } = this.#options;
    return new CarrierError("unavailable", arm, `${arm}: ${what}`, { cause });
  }
}

interface Schema<T> {
  safeParse(
    value: unknown,
  ): { readonly success: true; readonly data: T } | { readonly success: false; readonly error: unknown };
}

/** The path without who it is about. */
const nameOf = (path: string): string => path.replace(/\?.*$/, "").replace(/\/users\/[^/]+\//, "/users/…/");

function* bodiesOf(changes: readonly rest.Change[]): Generator<string> {
  let part: string[] = [];
  let bytes = 0;
  for (const change of changes) {
    const text = JSON.stringify(change);
    if (part.length > 0 && (part.length === ROWS_MAX || bytes + text.length > BODY_BYTES_MAX)) {
      yield `{"changes":[${part.join(",")}]}`;
      part = [];
      bytes = 0;
    }
    part.push(text);
    bytes += Buffer.byteLength(text);
  }
  if (part.length > 0) yield `{"changes":[${part.join(",")}]}`;
}
