import { open } from "node:fs/promises";
import { PRIVATE_FILE_MODE } from "./privateFile.ts";

/** One change by a person or by the process. Never a subject: pins are named by their id (security D2). */
export interface AuditEvent {
  readonly event: string;
  readonly actor: string;
  readonly reason: string;
  readonly [detail: string]: string | number | boolean | null;
}
/** With the epoch it was decided at. */
export type AuditLine = AuditEvent & { readonly epoch: number };

export interface AuditFile {
  /** On disk when it resolves. Lines keep the order of the calls. */
  append(line: AuditLine): Promise<void>;
}

export function createAuditFile(file: string, now: () => number): AuditFile {
  let last: Promise<unknown> = Promise.resolve();
  const write = async (line: string): Promise<void> => {
    const handle = await open(file, "a", PRIVATE_FILE_MODE);
    try {
      await handle.appendFile(line);
      await handle.sync();
    } finally {
      await handle.close();
    }
  };
  return {
    append(line) {
      const text = `${JSON.stringify({ time: new Date(now()).toISOString(), ...line })}\n`;
      const mine = last.then(
        () => write(text),
        () => write(text),
      );
      last = mine.catch(() => {});
      return mine;
    },
  };
}
