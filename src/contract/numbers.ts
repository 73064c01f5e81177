// Rounding (contract G2): one formula for both arms, never a library's own "round".

/** floor(x·10^n + 0.5) / 10^n in IEEE doubles. */
export function roundTo(x: number, decimals: number): number {
  const scale = 10 ** decimals;
  return Math.floor(x * scale + 0.5) / scale;
}

export const r0 = (x: number): number => roundTo(x, 0);
export const r1 = (x: number): number => roundTo(x, 1);
export const r2 = (x: number): number => roundTo(x, 2);
export const r4 = (x: number): number => roundTo(x, 4);
export const r6 = (x: number): number => roundTo(x, 6);

export const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));

/** Integers both arms carry exactly (G2); everything outside is undefined input. */
export const isExactInteger = (x: unknown): x is number => Number.isSafeInteger(x);
