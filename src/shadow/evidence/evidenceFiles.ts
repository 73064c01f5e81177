// Files of evidence in one folder: one for each process of the proxy (shadow §14).
import { readdirSync } from "node:fs";

const NAME = /^shadow-(\d+)\.sqlite3$/;
const numberOf = (name: string): number => Number(NAME.exec(name)?.[1]);

/** Damaged ones that were moved aside (`moveAside`). @throws as `readdirSync` */
export const asideFilesIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => /^shadow-.*\.broken-.*Z$/.test(name))
    .sort();

/** Processes that are started again get higher numbers: the last ones are those of today. @throws as `readdirSync` */
export const evidenceFilesIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => NAME.test(name))
    .sort((one, other) => numberOf(one) - numberOf(other));
