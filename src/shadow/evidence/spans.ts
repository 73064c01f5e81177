// Which counters a window is read from (shadow §14): days that lie in it, else hours, else minutes. Pure; all in epoch minutes.

export const HOUR_MINUTES = 60;
export const DAY_MINUTES = 24 * HOUR_MINUTES;

/** `to` excluded. */
export type Range = readonly [from: number, to: number];

export const hourOf = (minute: number): number => minute - (minute % HOUR_MINUTES);
export const dayOf = (minute: number): number => minute - (minute % DAY_MINUTES);

/** Starts of days that lie in the window as a whole. */
export const wholeDays = ([from, to]: Range): Range => [Math.ceil(from / DAY_MINUTES) * DAY_MINUTES, dayOf(to)];

/**
 * Whether an hour counts as a whole.
 * @param minutesFrom hours before it have no minutes any more: they count in the window that holds their first
 */
export const isWholeHour = (hour: number, [, to]: Range, minutesFrom: number): boolean =>
  hour < minutesFrom ? hour < to : hour + HOUR_MINUTES <= to;

/** What is left of a window without spans that begin at `starts`, each `size` long. */
export function without([from, to]: Range, starts: Iterable<number>, size: number): readonly Range[] {
  const left: Range[] = [];
  let at = from;
  for (const start of [...starts].sort((one, other) => one - other)) {
    if (start > at) left.push([at, Math.min(start, to)]);
    at = Math.max(at, start + size);
  }
  if (at < to) left.push([at, to]);
  return left;
}
