import type { DataStatusView } from "../console/index.ts";
import type { Verified } from "../continuity/index.ts";
import { age, count, milliseconds, plural, table } from "./format.ts";
import type { Output } from "./output.ts";

/** Both relays, who sits where, and what is being copied. */
export function dataStatusText({ relays, copies, seats, exposureProblem }: DataStatusView, out: Output): string {
  const rows = relays.map(({ from, isWhole, lagMs, conflicts, cursor }) => [
    `${out.armMark(from)} from ${from}`,
    `lag ${lagMs === null ? "unknown" : lagMs < 1_000 ? milliseconds(lagMs) : age(lagMs)}`,
    plural(conflicts, "conflict"),
    isWhole ? "everything is at the other arm" : "not everything has been at the other arm yet",
    `at ${count(cursor)}`,
  ]);
  const lines = [table(rows), seatsText(seats)];
  if (exposureProblem !== null) lines.push(`${out.alarm("not ready")}: ${exposureProblem}`);
  for (const { from, failure, blockedBy } of relays) {
    if (failure !== null) lines.push(`${out.alarm("behind")}: from ${from}: ${failure}`);
    if (blockedBy !== null)
      lines.push(`${out.alarm("held up")}: from ${from}: ${blockedBy.section} ${blockedBy.key}: ${blockedBy.reason}`);
  }
  for (const { from, done, isRunning, failure } of copies) {
    const how = failure !== null ? `waits: ${failure}` : isRunning ? "running" : "stopped";
    lines.push(`copy from ${from}: ${plural(done, "user")} done, ${how}`);
  }
  return lines.join("\n");
}

function seatsText({ atCandidate, changing, putOff }: DataStatusView["seats"]): string {
  const units = Object.entries(atCandidate).filter(([, subjects]) => subjects > 0);
  const seated = units.map(([unit, subjects]) => `${count(subjects)} (${unit})`).join(", ") || "nobody";
  const reasons = Object.entries(putOff).map(([why, subjects]) => `${count(subjects)} ${why}`);
  const late = reasons.length === 0 ? "" : `, put off: ${reasons.join(", ")}`;
  return `served by candidate: ${seated}; on their way: ${count(changing)}${late}`;
}

/** Sections with counts, rows by their keys; never what stands in them. */
export function verifiedText({ subject, isEqual, sections, rows }: Verified, out: Output): string {
  if (isEqual) return `${subject}: both arms hold the same`;
  const differing = sections.map(({ section, control, candidate }) => [
    section,
    `control ${count(control)}`,
    `candidate ${count(candidate)}`,
  ]);
  const named = rows.map(({ section, key, what }) => [section, key, what]);
  return [`${subject}: ${out.alarm("differs")}`, table(differing, "  "), table(named, "    ")].join("\n");
}
