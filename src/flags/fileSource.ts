import { readFile, stat } from "node:fs/promises";
import type { Clock } from "../kernel/index.ts";
import { DOCUMENT_BYTES_MAX, parseDocument } from "./document.ts";
import { causeOf, FlagsError } from "./errors.ts";
import type { ClientFeatures, FlagReading, FlagSource } from "./ports.ts";
import { type Watch, watchFile } from "./watch.ts";

/** Within this time of a write a file may change again without its times or size showing it. */
const SETTLED_AFTER_MS = 2_000;

export interface FileSource extends FlagSource {
  /** Reads now; resolves when what the file holds has been handed on. */
  check(): Promise<void>;
  /** Why the file cannot be used at this moment; null when it can. */
  readonly problem: string | null;
  /** Checks that found the file unusable. */
  readonly failures: number;
}

export interface FileSourceOptions {
  readonly file: string;
  readonly clock: Clock;
  /** Called once for each new way in which the file is unusable, and with null when it is usable again. */
  readonly onProblem: (problem: string | null) => void;
}

/** A local flag file. Whatever happens to it, the last valid reading stays; only its age grows. */
export function createFileSource({ file, clock, onProblem }: FileSourceOptions): FileSource {
  let reading: FlagReading = Object.freeze({ source: "file", data: null, confirmedAtMs: 0 });
  let problem: string | null = null;
  let failures = 0;
  let fingerprint = "";
  let text = "";
  let watch: Watch | null = null;
  let handOn: (reading: FlagReading) => void = () => {};

  const confirm = (data: ClientFeatures): void => {
    reading = Object.freeze({ source: "file", data, confirmedAtMs: clock.now() });
    if (problem !== null) onProblem((problem = null));
    handOn(reading);
  };

  /** null: unchanged since the last valid reading. */
  const readChanged = async (): Promise<ClientFeatures | null> => {
    const stats = await stat(file, { bigint: true });
    if (stats.size > BigInt(DOCUMENT_BYTES_MAX)) {
      throw new FlagsError("FLAGS_DOCUMENT", `is larger than ${DOCUMENT_BYTES_MAX} bytes`);
    }
    const now = `${stats.dev}.${stats.ino}.${stats.size}.${stats.mtimeNs}.${stats.ctimeNs}`;
    // Against the system's clock, not ours: file times are the system's.
    const isSettled = Date.now() - Number(stats.mtimeMs) > SETTLED_AFTER_MS;
    if (now === fingerprint && isSettled) return null;
    const found = await readFile(file, "utf8");
    const isSame = found === text && reading.data !== null;
    const data = isSame ? null : parseDocument(found);
    fingerprint = now;
    text = found;
    return data;
  };

  const check = async (): Promise<void> => {
    try {
      const data = (await readChanged()) ?? reading.data;
      if (data) confirm(data);
    } catch (error) {
      failures++;
      fingerprint = "";
      const sentence = `The flag file ${file} ${error instanceof FlagsError ? error.message : `cannot be read: ${causeOf(error)}`}.`;
      if (sentence !== problem) onProblem((problem = sentence));
    }
  };

  return {
    async start(onReading) {
      handOn = onReading;
      watch = watchFile(file, clock, check);
      await watch.check();
    },
    check: () => watch?.check() ?? check(),
    async stop() {
      await watch?.stop();
    },
    get reading() {
      return reading;
    },
    get problem() {
      return problem;
    },
    get failures() {
      return failures;
    },
  };
}
