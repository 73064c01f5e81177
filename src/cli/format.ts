/** Numbers and columns for people; machines take `--json`. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, " ");
}

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

export const percent = (value: number | null): string => (value === null ? "?" : `${Math.round(value * 10) / 10} %`);

export function rate(perSecond: number | null): string {
  return perSecond === null ? "– req/s" : `${perSecond >= 100 ? count(perSecond) : perSecond.toFixed(1)} req/s`;
}

export function milliseconds(value: number | null, isFloor = false): string {
  if (value === null) return "–";
  return `${isFloor ? "> " : ""}${value >= 10 ? count(value) : value.toFixed(1)} ms`;
}

/** A share with the count behind it: `0.21 % (12 of 5 600)`. */
export function share(part: number, whole: number): string {
  return whole === 0 ? "– (0 of 0)" : `${((part / whole) * 100).toFixed(2)} % (${count(part)} of ${count(whole)})`;
}

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `1.4 GiB` */
export function bytes(value: number): string {
  const step = Math.min(SIZES.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  const scaled = value / 1024 ** step;
  return `${step === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${SIZES[step]}`;
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** `2h 5m`, at most two units. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000)) * 1_000;
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first === -1) return "0 s";
  let rest = seconds;
  const parts: string[] = [];
  for (const [name, size] of UNITS.slice(first, first + 2)) {
    const whole = Math.floor(rest / size);
    if (whole > 0) parts.push(`${whole} ${name}`);
    rest -= whole * size;
  }
  return parts.join(" ");
}

export const moment = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** Left-aligned columns, two blanks apart. */
export function table(rows: readonly (readonly string[])[], indent = ""): string {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, visible(cell));
  const pad = (cell: string, at: number): string => cell + " ".repeat((widths[at] ?? 0) - visible(cell));
  return rows.map((row) => `${indent}${row.map(pad).join("  ").trimEnd()}`).join("\n");
}

// biome-ignore lint: the escape character is what colour codes start with.
const visible = (text: string): number => text.replace(/\u001b\[[0-9;]*m/g, "").length;
