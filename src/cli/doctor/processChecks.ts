// What only the running process knows: its flags, its kill switch, and whether it has taken the configuration.
import type { StatusView } from "../../console/index.ts";
import { Unreachable } from "../adminClient.ts";
import { CliError } from "../cliError.ts";
import { age, plural } from "../format.ts";
import { type Check, type CheckSource, fail, ok, type Verdict, warn } from "./check.ts";

const NOT_ASKED = "not asked: see the running process";

export const processChecks: CheckSource = ({ context }) => {
  let asked: Promise<StatusView | CliError> | null = null;
  const status = (): Promise<StatusView | CliError> =>
    (asked ??= context
      .admin()
      .then((admin) => admin.get<StatusView>("/api/status"))
      .catch((error: unknown) => {
        if (error instanceof CliError) return error;
        throw error;
      }));
  const check = (name: string, judge: (view: StatusView) => Verdict): Check => ({
    name,
    async ask() {
      const view = await status();
      return view instanceof CliError
        ? warn(NOT_ASKED, "Run doctor where it runs, or name it with --admin-url.")
        : judge(view);
    },
  });
  return [
    {
      name: "running process",
      async ask() {
        const view = await status();
        return view instanceof CliError ? ofNobody(view) : ofProcess(view);
      },
    },
    check("flags in force", ofFlags),
    check("kill switch", ofKills),
  ];
};

function ofNobody(error: CliError): Verdict {
  const fix = error.next ?? "Look at its log.";
  if (!(error instanceof Unreachable)) return warn(`it does not say: ${error.message}`, fix);
  return error.isRefused ? warn(error.message, fix) : fail(error.message, fix);
}

function ofProcess({ version, readiness, configuration, arms }: StatusView): Verdict {
  const missing = Object.entries(readiness.checks).filter(([, isFine]) => !isFine);
  if (!readiness.isReady) {
    return fail(
      `version ${version} is not ready: ${missing.map(([name]) => name).join(", ")}`,
      '"switchyard status" has more.',
    );
  }
  if (configuration.refusedReload !== null) {
    return warn(
      "it has refused the last configuration, and serves by the one before",
      '"switchyard validate" says why.',
    );
  }
  const away = (arms ?? []).flatMap(({ instances }) => instances).filter(({ isReady }) => !isReady);
  if (away.length > 0)
    return fail(`it sends nobody to ${away.map(({ url }) => url).join(", ")}: not ready`, "Look at their logs.");
  return ok(`version ${version}, ready`);
}

function ofFlags({ flags, units }: StatusView): Verdict {
  const { source, dataAgeMs, isStale } = flags;
  if (dataAgeMs === null)
    return fail(`${source} never gave flags that can be used`, "Everybody is served by control: look at its log.");
  const what = `${plural(units.length, "unit")}, from ${source}, confirmed ${age(dataAgeMs)} ago`;
  return isStale ? fail(`${what}: too old`, "New users are served by control: is the source there?") : ok(what);
}

function ofKills({ kills }: StatusView): Verdict {
  const [first] = kills;
  if (first === undefined) return ok("off");
  return warn(
    `on since ${new Date(first.sinceMs).toISOString()}: everything goes to control`,
    '"switchyard kill off" ends it.',
  );
}
