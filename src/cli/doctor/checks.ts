// Everything that doctor asks, in the order in which it is told.
import { armChecks } from "./armChecks.ts";
import { cassetteChecks } from "./cassetteChecks.ts";
import type { Check, CheckSource, Examined } from "./check.ts";
import { evidenceChecks } from "./evidenceChecks.ts";
import { flagChecks } from "./flagChecks.ts";
import { folderChecks } from "./folderChecks.ts";
import { processChecks } from "./processChecks.ts";
import { targetChecks } from "./targetChecks.ts";

const SOURCES: readonly CheckSource[] = [
  armChecks,
  processChecks,
  flagChecks,
  folderChecks,
  targetChecks,
  evidenceChecks,
  cassetteChecks,
];

export const checksOf = (examined: Examined): readonly Check[] => SOURCES.flatMap((source) => source(examined));
