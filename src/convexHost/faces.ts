// What stays while the functions are reloaded: faces that hand on to the set that is current.
import type { Functions } from "./functions.ts";
import type { Metrics } from "./metrics.ts";
import type { CallerAuth, CommitQueue, FunctionRunner } from "./ports.ts";
import type { JobFunctions } from "./schedulerPorts.ts";
import type { Outcome } from "./words.ts";

/** For HTTP and sockets; counts every call from outside. Commits are those of `queue`, whatever functions make them. */
export function createRunnerFace(current: () => Functions, queue: CommitQueue, metrics: Metrics): FunctionRunner {
  const counted = async <T>(
    kind: string,
    body: () => Promise<T>,
    resultsOf: (value: T) => readonly string[],
  ): Promise<T> => {
    let results: readonly string[] = ["refused"];
    try {
      const value = await body();
      results = resultsOf(value);
      return value;
    } finally {
      for (const result of results) metrics.count("calls", { kind, result });
    }
  };
  const resultOf = ({ result }: Outcome): string => ("failure" in result ? "failed" : "success");
  return {
    run: (call) =>
      counted(
        call.kind,
        () => current().run(call),
        (outcome) => [resultOf(outcome)],
      ),
    runQueries: (queries, caller) =>
      counted(
        "query",
        () => current().runQueries(queries, caller),
        ({ outcomes }) => outcomes.map(resultOf),
      ),
    runHttp: (request) =>
      counted(
        "http",
        () => current().runHttp(request),
        (found) => [found === null ? "refused" : "success"],
      ),
    onCommit: (listener) => queue.onCommit(listener),
    get ts() {
      return queue.ts;
    },
    notReady: () => queue.notReady(),
  };
}

export function createAuthFace(current: () => CallerAuth): CallerAuth {
  return {
    ofHeader: (header) => current().ofHeader(header),
    ofToken: (token) => current().ofToken(token),
    ofAdminKey: (key, actingAs) => current().ofAdminKey(key, actingAs),
  };
}

/** For jobs and crons. */
export function createJobFace(current: () => Functions): JobFunctions {
  return {
    kindOf: (address) => current().kindOf(address),
    resolve: (functionName, component) => current().resolve(functionName, component),
    runJob: (address, args, run) => current().runJob(address, args, run),
  };
}
