// Ids minted by the service (contract G4), and their switchable fault.
import { randomUUID } from "node:crypto";
import { did, type KeyedKind, kid } from "../contract/index.ts";
import type { Faultable, Switchboard } from "./faults/switchboard.ts";

export interface DerivedIds {
  did(at: Faultable, kind: string, ...parts: readonly (string | number)[]): string;
  did8(at: Faultable, kind: string, ...parts: readonly (string | number)[]): string;
  /** Minted from the idempotency key, or random without one. */
  minted(at: Faultable, kind: KeyedKind, request: { userId: string; path: string; key: string | null }): string;
}

export function createDerivedIds(faults: Switchboard): DerivedIds {
  const derive: DerivedIds["did"] = (at, kind, ...parts) =>
    faults.fire("id-random", at) ? randomUUID() : did(kind, ...parts);
  return {
    did: derive,
    did8: (at, kind, ...parts) => derive(at, kind, ...parts).slice(0, 8),
    minted(at, kind, { userId, path, key }) {
      if (key === null || faults.fire("id-random", at)) return randomUUID();
      return kid(kind, { userId, path, key });
    },
  };
}
