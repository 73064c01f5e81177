/** `ts` of the wire (contract G3): ISO 8601 with offset, milliseconds. */
export const ts = (ms: number): string => new Date(Math.trunc(ms)).toISOString();

/** Whether a row existed at `asOf`; absent means the present. */
export const existed = (row: { readonly createdAt: number }, asOf: number | undefined): boolean =>
  asOf === undefined || row.createdAt <= asOf;
