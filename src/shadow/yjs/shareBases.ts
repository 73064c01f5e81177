// Views of one arm that have the same content hold it once.
import { ARMS } from "../../kernel/index.ts";
import type { SocketView } from "./socketView.ts";

/** Views that differ are few; more are not looked through. */
const DISTINCT_MAX = 4;

/** Gives the bytes that are held now. */
export function shareBases(views: readonly SocketView[]): number {
  let bytes = 0;
  const held = new Set<Uint8Array>();
  for (const arm of ARMS) {
    const known: Uint8Array[] = [];
    for (const { tracks } of views) {
      const track = tracks[arm];
      const { base } = track;
      bytes += track.bytes;
      if (base === null) continue;
      const same = known.find((one) => one.length === base.length && Buffer.compare(one, base) === 0) ?? base;
      if (same !== base) track.base = same;
      else if (known.length < DISTINCT_MAX) known.push(base);
      if (held.has(same)) bytes -= same.length;
      held.add(same);
    }
  }
  return bytes;
}
