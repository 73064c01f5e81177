// The flag file as it stands: can every unit's flag be used, and does it keep a subject on its arm?
import { inspectFlagFile } from "../../flags/index.ts";
import { plural } from "../format.ts";
import { type CheckSource, fail, ok, type Verdict } from "./check.ts";

export const flagChecks: CheckSource = ({ config }) => {
  const flags = [...config.units.values()].filter(({ fixed }) => fixed === null).map(({ flag }) => flag);
  return [{ name: "flag file", ask: () => Promise.resolve(ofFile(config.flags.file, flags)) }];
};

function ofFile(file: string, flags: readonly string[]): Verdict {
  const found = inspectFlagFile(file, flags);
  if (found === null) return ok("none yet: control serves everybody");
  const { problems, missing } = found;
  if (problems.length > 0) {
    return fail(problems.join("; "), `Correct ${file}: until then the last valid flags hold, and of none control.`);
  }
  const off = missing.length === 0 ? "" : `; without one, and so at control: ${missing.join(", ")}`;
  return ok(`${plural(flags.length - missing.length, "flag")}, by subject${off}`);
}
