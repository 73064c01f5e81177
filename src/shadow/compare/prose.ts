// Whether two texts could be answers to the same question (shadow K6): a live model never says the same twice.
import { franc } from "franc-min";

/** Below that a language is guessed, not known. */
const LETTERS_MIN = 60;
/** Of a long text; what follows is in the same language. */
const READ_MAX = 2_000;
/** What `franc` says of a text that it does not know. */
const UNKNOWN = "und";

export interface Band {
  readonly least: number;
  readonly most: number;
}

/** Both empty or neither, candidate's length over control's within the band, and in one language as far as that can be told. */
export function isLikeProse(control: string, candidate: string, { least, most }: Band): boolean {
  const [one, other] = [control.trim(), candidate.trim()];
  if (one === "" || other === "") return one === other;
  const ratio = other.length / one.length;
  if (ratio < least || ratio > most) return false;
  const [language, otherLanguage] = [languageOf(one), languageOf(other)];
  return language === otherLanguage || language === UNKNOWN || otherLanguage === UNKNOWN;
}

const languageOf = (text: string): string => franc(text.slice(0, READ_MAX), { minLength: LETTERS_MIN });
