// `--check-determinism`: every mutation runs twice on the same state, seed and clock, and must do the same (embedded-convex
// §3.11): a retry after a conflict, as on Convex, would otherwise do something else. What the host itself makes anew in each
// run (ids, creation times, upload URLs) counts as the same.
import type { JSONValue } from "convex/values";

/** What one run did, in order. */
export class RunTrace {
  readonly #steps: string[] = [];
  /** Made by the host in this run, in the order made. */
  readonly #made = new Map<string, string>();
  /** Texts that the host makes anew each time: upload URLs, cursors of pages. */
  readonly #texts = new Set<string>();
  readonly #times: Set<string>;

  constructor(nowMs: number) {
    // A document's creation time may be the transaction's own time, or just behind it.
    this.#times = new Set([String(nowMs)]);
  }

  /** An operation ended. Both are JSON text; of a failed one the result is the message. */
  observe(operation: string, argsJson: string, resultJson: string): void {
    this.#learn(operation, resultJson);
    const [args, result] = [argsJson, resultJson].map((json) => this.#rename(json).replace(QUERY_NUMBER, ""));
    // What the first run has read counts in the second.
    this.#steps.push(operation === METRICS ? operation : `${operation} ${args} gave ${result}`);
  }

  /** What the function gave in the end. */
  end(result: string): void {
    this.#steps.push(`the result ${this.#rename(result)}`);
  }

  #learn(operation: string, resultJson: string): void {
    const result = parse(resultJson);
    const id = typeof result === "string" ? result : fieldOf(result, "_id");
    if (typeof id === "string" && MAKERS.has(operation)) this.#made.set(id, `<made ${this.#made.size + 1}>`);
    const texts =
      operation === UPLOAD_URL ? [result] : [fieldOf(result, "continueCursor"), fieldOf(result, "splitCursor")];
    for (const text of texts)
      if (typeof text === "string" && text !== "") this.#texts.add(JSON.stringify(text).slice(1, -1));
    this.#learnTimes(result);
  }

  /** Creation times of documents that this run made; they may be told as numbers later. */
  #learnTimes(json: JSONValue | undefined): void {
    if (typeof json !== "object" || json === null) return;
    const [id, createdMs] = [fieldOf(json, "_id"), fieldOf(json, "_creationTime")];
    if (typeof id === "string" && this.#made.has(id) && typeof createdMs === "number")
      this.#times.add(String(createdMs));
    for (const member of Object.values(json)) this.#learnTimes(member);
  }

  #rename(json: string): string {
    let text = json;
    for (const made of this.#texts) text = text.replaceAll(made, "<made>");
    return text.replace(ID_OR_NUMBER, (found) => this.#made.get(found) ?? (this.#times.has(found) ? "<now>" : found));
  }

  /** null: both runs did the same; else the first thing they did differently. */
  differenceTo(other: RunTrace): string | null {
    const count = Math.max(this.#steps.length, other.#steps.length);
    for (let n = 0; n < count; n += 1) {
      const [mine, theirs] = [this.#steps[n], other.#steps[n]];
      if (mine !== theirs) return `first "${cut(mine)}", then "${cut(theirs)}"`;
    }
    return null;
  }
}

const MAKERS = new Set(["1.0/insert", "1.0/schedule", "1.0/storageStore"]);
const METRICS = "1.0/getTransactionMetrics";
const UPLOAD_URL = "1.0/storageGenerateUploadUrl";
/** Queries are numbered through both runs. */
const QUERY_NUMBER = /"queryId":\d+/;
const ID_OR_NUMBER = /[0-9a-z]{31,37}|\d+(?:\.\d+)?/g;

function parse(json: string): JSONValue | undefined {
  try {
    return JSON.parse(json) as JSONValue;
  } catch {
    return undefined;
  }
}

function fieldOf(json: JSONValue | undefined, name: string): JSONValue | undefined {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? json[name] : undefined;
}

function cut(step: string | undefined): string {
  if (step === undefined) return "nothing more";
  return step.length > 500 ? `${step.slice(0, 500)}…` : step;
}
