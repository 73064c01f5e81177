// Words, quotes and counts of code points.

export const foldAscii = (text: string): string => text.replace(/[A-Z]+/g, (run) => run.toLowerCase());

/** Runs of letters and digits, ASCII-lower-cased. */
export const wordsOf = (text: string): string[] => foldAscii(text).match(/[\p{L}\p{N}]+/gu) ?? [];

/** The first `max` code points; a surrogate pair is never split. */
export function firstCodePoints(text: string, max: number): string {
  if (text.length <= max) return text;
  let taken = 0;
  let end = 0;
  for (const point of text) {
    if (taken === max) break;
    taken += 1;
    end += point.length;
  }
  return text.slice(0, end);
}

export const codePointLength = (text: string): number => {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
};

/** The `count` most frequent words of at least `letters` letters; ties in alphabetical order. */
export function frequentWords(text: string, count: number, letters: number): string[] {
  const counts = new Map<string, number>();
  for (const word of wordsOf(text)) {
    if (codePointLength(word) >= letters && !/\p{N}/u.test(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const ranked = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return ranked.slice(0, count).map(([word]) => word);
}

/** One word that stands for a text: its most frequent long word, else `this topic`. */
export const topicOf = (text: string): string => frequentWords(text, 1, 5)[0] ?? "this topic";
