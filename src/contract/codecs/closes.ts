// Close codes by which the application itself ends a socket (handoff.md §8, first row).
export interface Close {
  readonly code: number;
  readonly reason: string;
}

const ALWAYS_INTENDED = new Set([1003, 1007, 1008, 1009]);

export function isApplicationClose({ code, reason }: Close): boolean {
  // A 1000 or 1013 without the contract's words comes from a library or an intermediary, not from the application.
  if (code === 1000) return reason !== "";
  if (code === 1013) return reason === "Slow consumer";
  return ALWAYS_INTENDED.has(code) || (code >= 4000 && code <= 4999);
}
