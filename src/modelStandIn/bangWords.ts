// The `!` words a message can carry to make the model misbehave or choose a tool (contract services.md §13).

export const SLOW_DEFAULT_MS = 5_000;
export const SLOW_MAX_MS = 120_000;

export interface BangWords {
  readonly status: 429 | 500 | null;
  readonly slowMs: number;
  readonly isCut: boolean;
  readonly isBadJson: boolean;
  readonly isBadJsonOnce: boolean;
  readonly isTruncatedOnce: boolean;
}

const WORD = /(!+)(?:(429|500)|slow(?:=(\d{1,9}))?|(cut)|(badjson(?:1(?!\d))?)|(trunc1))/g;

interface Seen {
  status: 429 | 500 | null;
  slowMs: number;
  isCut: boolean;
  isBadJson: boolean;
  isBadJsonOnce: boolean;
  isTruncatedOnce: boolean;
}

function note(seen: Seen, match: RegExpMatchArray): void {
  const [, , status, slow, cut, badJson, truncated] = match;
  if (status !== undefined) seen.status ??= status === "429" ? 429 : 500;
  else if (cut !== undefined) seen.isCut = true;
  else if (badJson !== undefined) seen[badJson === "badjson" ? "isBadJson" : "isBadJsonOnce"] = true;
  else if (truncated !== undefined) seen.isTruncatedOnce = true;
  else if (seen.slowMs === 0) seen.slowMs = Math.min(slow === undefined ? SLOW_DEFAULT_MS : Number(slow), SLOW_MAX_MS);
}

/** `bangs` = how many `!` a word needs: 1 where a user speaks, 2 in the inputs of the other kinds, which quote logs. */
export function readBangWords(text: string, bangs: 1 | 2): BangWords {
  const seen: Seen = {
    status: null,
    slowMs: 0,
    isCut: false,
    isBadJson: false,
    isBadJsonOnce: false,
    isTruncatedOnce: false,
  };
  for (const match of text.matchAll(WORD)) {
    if ((match[1] ?? "").length >= bangs) note(seen, match);
  }
  return seen;
}
