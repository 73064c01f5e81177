// Whether both arms hold the same of a subject, and where they do not (handoff §3, "Check").
import type { Subject } from "../kernel/index.ts";
import type { Digest, RowDifference, RowPrint, SectionDifference, StateCarrier, Verified } from "./ports.ts";

const ROWS_TOLD_MAX = 100;

/** @throws CarrierError */
export async function verifySubject(
  carrier: Pick<StateCarrier, "digest" | "rows">,
  subject: Subject,
  signal: AbortSignal,
): Promise<Verified> {
  const [control, candidate] = await Promise.all([
    carrier.digest(subject, "control", signal),
    carrier.digest(subject, "candidate", signal),
  ]);
  const sections = compareSections(control, candidate);
  if (control.fullHash === candidate.fullHash) return { subject, isEqual: true, sections: [], rows: [] };
  const [ofControl, ofCandidate] = await Promise.all([
    carrier.rows(subject, "control", signal),
    carrier.rows(subject, "candidate", signal),
  ]);
  const rows = compareRows(ofControl, ofCandidate).slice(0, ROWS_TOLD_MAX);
  return { subject, isEqual: false, sections, rows };
}

/** The sections whose hashes differ, with how many rows each arm has there. */
export function compareSections(control: Digest, candidate: Digest): readonly SectionDifference[] {
  const names = [...new Set([...control.sections.keys(), ...candidate.sections.keys()])].sort();
  return names.flatMap((section) => {
    const [a, b] = [control.sections.get(section), candidate.sections.get(section)];
    if (a?.fullHash === b?.fullHash) return [];
    return [{ section, control: a?.count ?? 0, candidate: b?.count ?? 0 }];
  });
}

/** Rows that are not the same on both arms, by section and key. */
export function compareRows(control: readonly RowPrint[], candidate: readonly RowPrint[]): readonly RowDifference[] {
  const nameOf = ({ section, key }: RowPrint): string => `${section}\u0000${key}`;
  const left = new Map(candidate.map((row) => [nameOf(row), row]));
  const differences: RowDifference[] = [];
  for (const row of control) {
    const other = left.get(nameOf(row));
    left.delete(nameOf(row));
    if (other?.fingerprint === row.fingerprint) continue;
    const what = other === undefined ? "only on control" : "differs";
    differences.push({ section: row.section, key: row.key, what });
  }
  for (const { section, key } of left.values()) differences.push({ section, key, what: "only on candidate" });
  return differences.sort((a, b) => (a.section === b.section ? compare(a.key, b.key) : compare(a.section, b.section)));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
