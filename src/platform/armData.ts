// Calls of the internal endpoints of one arm (contract rest.md §7), over whichever of its instances answers.
import { rest } from "../contract/index.ts";
import { type Arm, CarrierError, type Cursor, type Subject } from "../continuity/ports.ts";
import { type Line, linesOf } from "./lines.ts";

export interface ArmDataOptions {
  readonly arm: Arm;
  /** Origins of its instances. */
  readonly urls: readonly string[];
  /** Never in an error or a log. */
  readonly token: string;
  /** They are shadow targets. */
  readonly isTarget?: boolean;
  readonly limits: Limits;
}

export interface Limits {
  /** Of one answer: an arm ends a page long before, one board aside. */
  readonly answerBytes: number;
  /** Of a line of an export: a board's whole state, as text. */
  readonly lineBytes: number;
}

/** Of one POST: an arm refuses more. */
const BODY_BYTES_MAX = 4 * 1_024 * 1_024;
/** Of one POST: what an arm applies within a few tenths of a second (handoff §3). */
const ROWS_MAX = 200;
/** Of an answer that is too long: enough for the first change without its row. */
const HEAD_BYTES = 4_096;
const HEAD_END = ',"data":';
const PAGE_START = '{"changes":[';

class TooLongError extends Error {
  override readonly name = "TooLongError";
  /** How the answer begins. */
  readonly head: string;
  constructor(head: string) {
    super("the answer is too long");
    this.head = head;
  }
}

export class ArmData {
  readonly #options: ArmDataOptions;
  /** The instance that answered last. */
  #at = 0;

  constructor(options: ArmDataOptions) {
    this.#options = options;
  }

  /** A row that no answer can hold comes without its `data`. */
  async changes(request: ChangesRequest, signal: AbortSignal): Promise<rest.ChangesPage> {
    const { after, limit, subject, origin } = request;
    const query = new URLSearchParams({ after: String(after), limit: String(limit) });
    if (subject !== undefined) query.set("user_id", subject);
    if (origin !== undefined) query.set("origin", origin);
    try {
      return await this.#read(`/internal/changes?${query}`, rest.changesPage, signal);
    } catch (error) {
      const tooLong = error instanceof CarrierError && error.cause instanceof TooLongError ? error.cause : null;
      if (tooLong === null) throw error;
      if (limit > 1) return this.changes({ ...request, limit: 1 }, signal);
      const change = this.#withoutRow(tooLong.head.slice(PAGE_START.length));
      return { changes: [change], cursor: change.seq, more: true };
    }
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

  /** Of shadow targets only; a subject that it does not know is no error. */
  async clear(subject: Subject, signal: AbortSignal): Promise<void> {
    const path = `/internal/users/${encodeURIComponent(subject)}`;
    await (await this.#call(path, signal, { method: "DELETE" })).body?.cancel();
  }

  users(after: Subject | null, signal: AbortSignal) {
    const query = new URLSearchParams({ limit: "500", ...(after !== null && { after }) });
    return this.#read(`/internal/users?${query}`, rest.users, signal);
  }

  /** The rows of a subject one by one; returns the place in the feed from which the rest comes. */
  async *export(subject: Subject, signal: AbortSignal): AsyncGenerator<rest.Change, Cursor> {
    const reply = await this.#call(`/internal/users/${encodeURIComponent(subject)}/export`, signal);
    let last: Line | null = null;
    for await (const line of this.#lines(reply)) {
      if (last !== null) yield last.isCut ? this.#withoutRow(last.text) : this.#parse(last.text, rest.change);
      last = line;
    }
    return this.#parse(last?.text ?? "null", rest.exportEnd).cursor;
  }

  /** Both arms write a change's `data` behind everything else of it. */
  #withoutRow(head: string): rest.Change {
    return this.#parse(`${head.slice(0, Math.max(0, head.indexOf(HEAD_END)))}}`, rest.change);
  }

  async #read<T>(path: string, schema: Schema<T>, signal: AbortSignal): Promise<T> {
    return this.#parse(await this.#text(await this.#call(path, signal)), schema);
  }

  async #call(path: string, signal: AbortSignal, init: { method?: string; body?: string } = {}): Promise<Response> {
    const { urls, token, isTarget = false } = this.#options;
    let failure: unknown = null;
    for (let tried = 0; tried < urls.length; tried++) {
      const at = (this.#at + tried) % urls.length;
      try {
        const headers = {
          "x-service-token": token,
          ...(isTarget && { "x-shadow": "1" }),
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
        chunks.push(chunk);
        if (bytes > this.#options.limits.answerBytes)
          throw new TooLongError(Buffer.concat(chunks).toString("utf8", 0, HEAD_BYTES));
      }
      return Buffer.concat(chunks).toString();
    } catch (error) {
      throw this.#unavailable("the answer broke off", error);
    }
  }

  async *#lines(reply: Response): AsyncGenerator<Line> {
    try {
      if (reply.body !== null) yield* linesOf(reply.body, this.#options.limits.lineBytes);
    } catch (error) {
      throw this.#unavailable("the export broke off", error);
    }
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

export interface ChangesRequest {
  readonly after: Cursor;
  readonly limit: number;
  readonly subject?: Subject;
  /** Only changes that this arm made; others may come all the same. */
  readonly origin?: rest.Origin;
}

interface Schema<T> {
  safeParse(
    value: unknown,
  ): { readonly success: true; readonly data: T } | { readonly success: false; readonly error: unknown };
}

/** The path without who it is about. */
const nameOf = (path: string): string => path.replace(/\?.*$/, "").replace(/\/users\/[^/]+/, "/users/…");

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
