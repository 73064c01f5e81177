// The backends: do all instances answer, and is it the same time there?
import { ARMS } from "../../kernel/index.ts";
import { age, milliseconds } from "../format.ts";
import { askHttp, type HttpAnswer } from "./askHttp.ts";
import { type Check, type CheckSource, type Examined, fail, ok, type Verdict, warn } from "./check.ts";

/** What `Date` cannot tell apart, and some more. */
const AHEAD_MS_MAX = 2_000;

export const armChecks: CheckSource = ({ config, clock }) =>
  ARMS.flatMap((arm) => {
    const { backend, urls, readyPath, tls } = config.arms[arm];
    return urls.flatMap((origin): readonly Check[] => {
      const asked = once(() => askHttp({ origin, path: readyPath ?? "/", tls, clock }));
      const name = `${arm} ${backend}`;
      return [
        { name, ask: async () => reached(origin, readyPath, await asked()) },
        { name: `clock of ${backend}`, ask: async () => told(await asked()) },
      ];
    });
  });

/** Two checks of one answer. */
const once = (ask: () => Promise<HttpAnswer>): (() => Promise<HttpAnswer>) => {
  let asked: Promise<HttpAnswer> | null = null;
  return () => (asked ??= ask());
};

function reached(
  origin: string,
  readyPath: Examined["config"]["arms"]["control"]["readyPath"],
  answer: HttpAnswer,
): Verdict {
  if ("error" in answer) return fail(`${origin} does not answer (${answer.error})`, "Start it, or correct its url.");
  const { status, tookMs } = answer;
  const isReady = readyPath === null || (status >= 200 && status < 300);
  if (isReady) return ok(`${origin} answers in ${milliseconds(tookMs)}`);
  return fail(
    `${origin}${readyPath} says ${status}: nobody is sent there`,
    "Its log says why it is not ready, or correct readyPath.",
  );
}

function told(answer: HttpAnswer): Verdict {
  if ("error" in answer) return warn("not known: it does not answer", "Start it, then run doctor again.");
  const { aheadMs } = answer;
  if (aheadMs === null) return ok("not known: its answers bear no Date");
  if (Math.abs(aheadMs) <= AHEAD_MS_MAX) return ok("the same as here, to two seconds");
  const what = `${age(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead" : "behind"}`;
  return warn(
    `${what}: times differ between the arms, and tokens end early or late`,
    "Let both hosts follow one time server.",
  );
}
