import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../lib/process.ts";
import type { Load, LoadResult } from "./load.ts";

/** The tokens in turn; the summary as one JSON line. wrk counts 400 and above as an error, not what is below 200 or 3xx. */
const script = (tokens: readonly string[], path: string): string => `
local tokens = {
${tokens.map((token) => `  "${token}",`).join("\n")}
}
local requests, at = {}, 0

function init()
  for i, token in ipairs(tokens) do
    requests[i] = wrk.format("GET", "${path}", { ["Host"] = wrk.headers["Host"], ["Authorization"] = "Bearer " .. token })
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  local e = summary.errors
  io.write(string.format('{"calls":%d,"microseconds":%d,"failures":%d}\\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout + e.status))
end
`;

/** Load by `wrk` with one thread. */
export function createWrkLoad(command: string, dir: string, tokens: readonly string[], path: string): Load {
  const file = join(dir, "wrk.lua");
  writeFileSync(file, script(tokens, path));
  return {
    name: "wrk",
    async run(url, { seconds, connections }): Promise<LoadResult> {
      const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", file, url];
      const printed = await run({ name: "wrk", command, args, dir }, (seconds + 20) * 1_000);
      const line = printed.split("\n").find((text) => text.startsWith("{"));
      if (line === undefined) throw new Error(`wrk printed no summary:\n${printed}`);
      const { calls, microseconds, failures } = JSON.parse(line) as Record<string, number>;
      return { calls: calls as number, seconds: (microseconds as number) / 1e6, failures: failures as number };
    },
  };
}
