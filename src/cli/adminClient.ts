import type { AdminProblem } from "../console/index.ts";
import { EXIT, type ExitCode } from "../kernel/index.ts";
import { CliError } from "./cliError.ts";

export interface AdminClient {
  readonly url: string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  delete<T>(path: string, body: unknown): Promise<T>;
}

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** The admin API of a running process. Nothing is repeated: a change that may have happened is the person's to look at. */
export function createAdminClient(url: string, token: string | null): AdminClient {
  const call = async <T>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<T> => {
    const headers: Record<string, string> = { accept: "application/json" };
    if (token !== null) headers["authorization"] = `Bearer ${token}`;
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await reach(url, `${url}${path}`, {
      method,
      headers,
      // A redirect would carry the token to an address that nobody named.
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status >= 200 && answer.status < 300 && answer.json !== null) return answer.json as T;
    throw refusal(url, answer);
  };
  return {
    url,
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
    delete: (path, body) => call("DELETE", path, body),
  };
}

/** Nobody answered. `isRefused`: the port is closed, so surely nothing runs there; anything else may be a process in trouble. */
export class Unreachable extends CliError {
  readonly isRefused: boolean;

  constructor(isRefused: boolean, message: string, next: string) {
    super(EXIT.unreachable, message, next);
    this.isRefused = isRefused;
  }
}

interface Answer {
  readonly status: number;
  readonly json: unknown;
}

async function reach(base: string, address: string, init: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(address, init);
    const text = await response.text();
    return { status: response.status, json: text.length > ANSWER_BYTES_MAX ? null : parse(text) };
  } catch (error) {
    throw new Unreachable(
      causeCode(error) === "ECONNREFUSED",
      `No switchyard answers at ${base} (${causeOf(error)}).`,
      'Start it with "switchyard run", or name its admin address with --admin-url.',
    );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

const causeCode = (error: unknown): unknown => (error as { cause?: { code?: unknown } }).cause?.code;

function causeOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return `no answer within ${TIMEOUT_MS / 1_000} s`;
  const code = causeCode(error);
  return code === "ECONNREFUSED" ? "connection refused" : typeof code === "string" ? code : "no connection";
}

/** The listener's own words; they already say what to do next. */
function refusal(base: string, answer: Answer): CliError {
  const problem = answer.json as Partial<AdminProblem> | null;
  if (typeof problem?.code !== "string") {
    return new CliError(
      EXIT.unreachable,
      `${base} answered ${answer.status}, but not as a switchyard does.`,
      "Check --admin-url.",
    );
  }
  return new CliError(
    exitCodeFor(answer.status),
    problem.detail ?? problem.title ?? problem.code,
    problem.next ?? null,
  );
}

function exitCodeFor(status: number): ExitCode {
  if (status === 409) return EXIT.finding;
  if (status === 429 || status === 503) return EXIT.unreachable;
  return status >= 500 ? EXIT.internal : EXIT.usage;
}
