import type { AuditFile } from "./auditFile.ts";
import { causeOf, FlagsError } from "./errors.ts";
import type { FlagWriter } from "./ports.ts";

/** No record, no act: the audit line is on disk before the flags change, and a refusal is written behind it. */
export function auditedWriter(
  writer: FlagWriter,
  audit: AuditFile,
  epoch: () => number,
  afterwards: () => Promise<void>,
): FlagWriter {
  return {
    async setExposure(flag, percent, actor) {
      const line = { event: "flags.set", actor, reason: "", flag, percent, epoch: epoch() };
      try {
        await audit.append(line);
      } catch (cause) {
        const sentence = `Nothing was changed: the audit could not be written (${causeOf(cause)}).`;
        throw new FlagsError("STATE_WRITE", sentence, { cause });
      }
      try {
        await writer.setExposure(flag, percent, actor);
      } catch (error) {
        await audit.append({ ...line, event: "flags.set.failed", reason: causeOf(error) }).catch(() => {});
        throw error;
      }
      await afterwards();
    },
  };
}
