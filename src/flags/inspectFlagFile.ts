// What a flag file would be taken for, for `doctor`: changes nothing, and needs no running process.
import { readFileSync } from "node:fs";
import { parseDocument } from "./document.ts";
import { FlagsError } from "./errors.ts";
import { readUnitFlag } from "./validate.ts";

export interface InspectedFlags {
  /** Sentences that name what cannot be used; stickiness that is not by subject is among them (rollout §1.3). */
  readonly problems: readonly string[];
  /** Of the flags asked for. */
  readonly missing: readonly string[];
}

/** null: there is no such file. */
export function inspectFlagFile(file: string, flags: readonly string[]): InspectedFlags | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    return code === "ENOENT" ? null : { problems: [`${file} cannot be read (${code})`], missing: [] };
  }
  try {
    const features = new Map(parseDocument(text).features.map((one) => [one.name, one]));
    const problems = flags.flatMap((flag) => {
      const feature = features.get(flag);
      const read = feature === undefined ? null : readUnitFlag(feature);
      return read !== null && "problem" in read ? [`${flag}: ${read.problem}`] : [];
    });
    return { problems, missing: flags.filter((flag) => !features.has(flag)) };
  } catch (error) {
    if (!(error instanceof FlagsError)) throw error;
    return { problems: [`${file} ${error.message}`], missing: [] };
  }
}
