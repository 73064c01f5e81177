// Reads a Yjs update without applying it (shadow Y2, Y4): what it brings, what it builds on, what it deletes.
import * as Y from "yjs";

export interface ClientClocks {
  readonly client: number;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

interface Struct extends ClientClocks {
  /** Clocks that must be known before this can be placed. */
  readonly needs: readonly Y.ID[];
}

export interface DecodedUpdate {
  readonly structs: readonly Struct[];
  readonly deletes: readonly ClientClocks[];
}

/** Null: no update, or one that no library writes. Never throws. */
export function decodeUpdate(bytes: Uint8Array): DecodedUpdate | null {
  try {
    return read(bytes);
  } catch {
    return null;
  }
}

function read(bytes: Uint8Array): DecodedUpdate | null {
  const { structs, ds } = Y.decodeUpdate(bytes);
  const found: Struct[] = [];
  for (const struct of structs) {
    const clocks = clocksOf(struct.id.client, struct.id.clock, struct.length);
    if (clocks === null) return null;
    // A place holder for what the update does not have.
    if (struct instanceof Y.Skip) continue;
    const needs = struct instanceof Y.Item ? needsOf(struct) : [];
    // Nothing is placed by something later of the same client. Yjs trusts it, and fails in the middle of applying.
    if (needs.some(({ client, clock }) => client === clocks.client && clock >= clocks.from)) return null;
    found.push({ ...clocks, needs });
  }
  const deletes: ClientClocks[] = [];
  for (const [client, items] of ds.clients) {
    for (const { clock, len } of items) {
      const clocks = clocksOf(client, clock, len);
      if (clocks === null) return null;
      deletes.push(clocks);
    }
  }
  return { structs: found, deletes };
}

/** Null for what holds nothing, or has no end. */
function clocksOf(client: number, from: number, length: number): ClientClocks | null {
  const to = from + length;
  return length > 0 && Number.isSafeInteger(to) ? { client, from, to } : null;
}

function needsOf({ origin, rightOrigin, parent }: Y.Item): readonly Y.ID[] {
  const needs: Y.ID[] = [];
  if (origin !== null) needs.push(origin);
  if (rightOrigin !== null) needs.push(rightOrigin);
  if (parent instanceof Y.ID) needs.push(parent);
  return needs;
}

/** The Yjs clients whose structs it brings. Never throws. */
export function clientsOf(update: Uint8Array): Iterable<number> {
  try {
    return Y.parseUpdateMeta(update).from.keys();
  } catch {
    return [];
  }
}
