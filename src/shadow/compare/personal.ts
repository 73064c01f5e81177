// What looks like somebody's (shadow P3): such texts and keys are never shown, wherever they stand.
import { isDataKey } from "./valueClass.ts";

/** By look. */
const LOOKS_HIDDEN = [
  /eyJ[\w-]+\.[\w-]+\.[\w-]*/, // a JSON Web Token
  /[\w.+-]+@[\w-]+\.[\w.-]+/, // an address of mail
  /(?:\d[ -]?){9,}/, // a number of a phone, a card, an account
  /-----BEGIN /,
  /\b(?:bearer|basic)\s+\S+/i,
];

/** Words of a protocol have one word; whatever has more is somebody's text (shadow P3: always shape only). */
const WORD = /^[\w.:/+-]{1,40}$/;

/** Looked at only when it is short: some of the looks take long on long texts. */
export const isHarmlessText = (text: string): boolean =>
  WORD.test(text) && !LOOKS_HIDDEN.some((look) => look.test(text));

/** Data, or somebody's: not the name of a field. A long one is told apart by its length, before anything is looked for in it. */
export const isPersonalKey = (key: string): boolean => !isHarmlessText(key) || isDataKey(key);
