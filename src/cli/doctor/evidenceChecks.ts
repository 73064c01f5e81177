// Rules and evidence of the shadow: can they be used, how large are they, is anything damaged?
import { EvidenceError, inspectEvidence, type InspectedFile, isLive, sizeOfFleetEvidence } from "../../shadow/index.ts";
import { bytes, plural } from "../format.ts";
import { rulesOfFiles } from "../shadow/unitSetting.ts";
import { type CheckSource, fail, ok, type Verdict, warn } from "./check.ts";

/** `openSqliteEvidence` ends a file at 4 GiB. */
const NEARLY_FULL_BYTES = 3.6 * 1024 ** 3;

export const evidenceChecks: CheckSource = ({ config, context, clock }) => {
  const { shadow, stateDir } = config;
  if (shadow === null) return [];
  const { storeUrl } = shadow;
  return [
    {
      name: "rules of the shadow",
      ask: () => Promise.resolve(ofRules(rulesOfFiles(config, context.deps.shadow), shadow.rules.length, clock.now())),
    },
    {
      name: "evidence",
      ask: () => (storeUrl === null ? Promise.resolve(ofFolder(stateDir)) : ofFleet(storeUrl)),
    },
  ];
};

function ofRules({ rules, problems }: ReturnType<typeof rulesOfFiles>, files: number, nowMs: number): Verdict {
  const [first] = problems;
  if (first !== undefined) {
    const what = `${plural(problems.length, "file")} cannot be used: ${first.file}`;
    return fail(what, '"switchyard validate" says what is wrong in them; a restart would be refused.');
  }
  const ended = rules.filter((rule) => !isLive(rule, nowMs)).map(({ id, until }) => `${id} (${until})`);
  if (ended.length === 0) return ok(`${plural(files, "file")}, ${plural(rules.length, "rule")}`);
  return warn(
    `the day of ${ended.join(", ")} has passed: they hide nothing any more`,
    "Remove them, or have them reviewed again.",
  );
}

function ofFolder(stateDir: string): Verdict {
  const { files, aside } = inspectEvidence(stateDir);
  const bad = files.filter(({ state }) => state === "unreadable");
  if (bad.length > 0) {
    const what = bad.map(({ name, why }) => `${name} cannot be read: ${why}`).join("; ");
    return fail(
      what,
      "A running proxy moves a damaged one aside at its next start; of another version: move it away yourself.",
    );
  }
  const size = `${plural(files.length, "file")}, ${bytes(sum(files))}${lengthOf(files)}`;
  if (aside.length > 0) {
    return warn(
      `${size}; ${plural(aside.length, "damaged one")} moved aside`,
      `Look at ${aside[0]} in ${stateDir}, then remove it.`,
    );
  }
  const full = files.filter((one) => one.bytes > NEARLY_FULL_BYTES);
  if (full.length > 0)
    return warn(
      `${size}; ${full[0]?.name} is nearly full`,
      "Lower sample, or bodyRing: what finds no room is lost and counted.",
    );
  return ok(files.length === 0 ? "none yet: it begins with the first call that is mirrored" : size);
}

const sum = (files: readonly InspectedFile[]): number => files.reduce((all, one) => all + one.bytes, 0);

const lengthOf = (files: readonly InspectedFile[]): string => {
  const long = files.filter(({ state }) => state === "long").length;
  return long === 0 ? ", sound" : `, ${long} too long to be read through`;
};

async function ofFleet(url: string): Promise<Verdict> {
  try {
    return ok(`the database answers, ${bytes(await sizeOfFleetEvidence(url))}; bodies are off in a store of all hosts`);
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return fail(
      `the database cannot be asked: ${error.message}`,
      "Look at shadow.storeUrlEnv; its tables are made by the first proxy that runs.",
    );
  }
}
