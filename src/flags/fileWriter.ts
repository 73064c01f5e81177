import { open, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { parseDocument } from "./document.ts";
import { causeOf, FlagsError } from "./errors.ts";
import { checkedReason } from "./overrides.ts";
import type { ClientFeatures, FeatureDefinition, FlagWriter, StrategyDefinition } from "./ports.ts";
import { isMissing, makePrivateFolder, replaceFile } from "./privateFile.ts";
import { GROUP_ID } from "./rank.ts";

/** A lock that is older belongs to a process that died while it held it; a write takes milliseconds. */
const LOCK_LIFE_MS = 10_000;

const share = (percent: number): StrategyDefinition => ({
  name: "flexibleRollout",
  parameters: { rollout: String(percent), stickiness: "userId", groupId: GROUP_ID },
  constraints: [],
});

export const newFlag = (name: string, percent: number): FeatureDefinition => ({
  name,
  type: "release",
  enabled: true,
  strategies: [share(percent)],
});

export const renderDocument = (document: ClientFeatures): string => `${JSON.stringify(document, null, 2)}\n`;

/** 0 … 100 with at most one decimal; 12.5 is exact in a tenth, 12.55 is not. */
export function checkedPercent(percent: number): number {
  const isFine = Number.isFinite(percent) && percent >= 0 && percent <= 100 && Number(percent.toFixed(1)) === percent;
  if (isFine) return percent === 0 ? 0 : percent;
  throw new FlagsError(
    "FLAGS_PERCENT",
    `${percent} is no exposure: give a percentage from 0 to 100 with at most one decimal.`,
  );
}

function atShare(feature: FeatureDefinition, percent: number): FeatureDefinition {
  if (feature.enabled !== true && percent > 0) {
    throw new FlagsError("FLAGS_OFF", `The flag ${feature.name} is switched off; switch it on in the file first.`);
  }
  const strategies = feature.strategies ?? [];
  const other = strategies.find(({ name }) => name !== "flexibleRollout");
  if (other) {
    const advice = "remove it from the file first, or use a pin";
    throw new FlagsError(
      "FLAGS_STRATEGY",
      `The flag ${feature.name} has a strategy "${other.name}" that no percentage bounds; ${advice}.`,
    );
  }
  if (strategies.length === 0) return { ...feature, strategies: [share(percent)] };
  const set = (strategy: StrategyDefinition): StrategyDefinition => ({
    ...strategy,
    parameters: { ...strategy.parameters, ...share(percent).parameters },
  });
  return { ...feature, strategies: strategies.map(set) };
}

/** Pure: the document with one flag at another share; everything else as it was, the revision one higher. */
export function withExposure(document: ClientFeatures, flag: string, percent: number): ClientFeatures {
  const isKnown = document.features.some(({ name }) => name === flag);
  const features = isKnown
    ? document.features.map((feature) => (feature.name === flag ? atShare(feature, percent) : feature))
    : [...document.features, newFlag(flag, percent)];
  return { ...document, features, meta: { ...document.meta, revisionId: (document.meta?.revisionId ?? 0) + 1 } };
}

const moved = (file: string): FlagsError =>
  new FlagsError(
    "FLAGS_MOVED",
    `The flag file ${file} was changed by someone else at the same moment; look at it and try again.`,
  );

async function openLock(lock: string): Promise<boolean> {
  try {
    await (await open(lock, "wx", 0o600)).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Keeps our own processes apart; editors, which know no lock, are noticed by comparing before the rename. */
async function withLock<T>(file: string, run: () => Promise<T>): Promise<T> {
  const lock = `${file}.lock`;
  if (!(await openLock(lock))) {
    const ageMs = await stat(lock).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (ageMs <= LOCK_LIFE_MS) throw moved(file);
    await rm(lock, { force: true });
    if (!(await openLock(lock))) throw moved(file);
  }
  try {
    return await run();
  } finally {
    await rm(lock, { force: true });
  }
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function parsed(file: string, text: string | null): ClientFeatures {
  if (text === null) return { version: 2, features: [] };
  try {
    return parseDocument(text);
  } catch (cause) {
    const sentence = `The flag file ${file} ${causeOf(cause)}; it is not written over. Repair it first.`;
    throw new FlagsError("FLAGS_DOCUMENT", sentence, { cause });
  }
}

/** Reads, changes and replaces the file; refused when it is no longer what was read. */
export async function rewrite(file: string, change: (document: ClientFeatures) => ClientFeatures): Promise<void> {
  const before = await readText(file);
  const text = renderDocument(change(parsed(file, before)));
  const mode = before === null ? 0o600 : (await stat(file)).mode & 0o777;
  const beforeRename = async () => {
    if ((await readText(file)) !== before) throw moved(file);
  };
  await replaceFile(file, text, { mode, beforeRename });
}

async function locked(file: string, run: () => Promise<void>): Promise<void> {
  try {
    await makePrivateFolder(dirname(file));
    await withLock(file, run);
  } catch (error) {
    if (error instanceof FlagsError) throw error;
    throw new FlagsError("FLAGS_WRITE", `The flag file ${file} cannot be written: ${causeOf(error)}.`, {
      cause: error,
    });
  }
}

/** Creates the file a first start needs: each unit's flag at 0 %, and the flag that arms all of them. */
export async function createInitialFile(file: string, unitFlags: Iterable<string>): Promise<boolean> {
  if ((await readText(file)) !== null) return false;
  const armed: FeatureDefinition = {
    name: "switchyard.armed",
    type: "kill-switch",
    enabled: true,
    strategies: [{ name: "default", parameters: {}, constraints: [] }],
  };
  const features = [armed, ...[...new Set(unitFlags)].map((flag) => newFlag(flag, 0))];
  await locked(file, () => rewrite(file, () => ({ version: 2, features, segments: [], meta: { revisionId: 1 } })));
  return true;
}

/** Writes of one process follow each other; a write that another process or an editor overtook is refused. */
export function createFileWriter(file: string): FlagWriter {
  let last: Promise<unknown> = Promise.resolve();
  const queued = (run: () => Promise<void>): Promise<void> => {
    const mine = last.then(run, run);
    last = mine.catch(() => {});
    return mine;
  };
  return {
    async setExposure(flag, percent, actor) {
      const checked = checkedPercent(percent);
      if (flag === "" || flag.length > 128 || /\s/.test(flag))
        throw new FlagsError("FLAGS_NAME", `"${flag}" is no flag's name.`);
      checkedReason(actor, "FLAGS_NAME", "actor");
      await queued(() => locked(file, () => rewrite(file, (document) => withExposure(document, flag, checked))));
    },
  };
}
