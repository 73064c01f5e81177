// Decodes the growing `args.text` of an `explain` reply while it streams in (contract tutor-socket.md §5).
// A small JSON scanner: it keeps the path it is at, and gives nothing away before `"name":"explain"` has been read.

const LEADING = { from: 0xd800, to: 0xdbff };
const TRAILING = { from: 0xdc00, to: 0xdfff };
const isIn = (unit: number, range: { from: number; to: number }): boolean => unit >= range.from && unit <= range.to;

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

interface Level {
  readonly isObject: boolean;
  key: string;
  isKeyNext: boolean;
}

export interface DeltaScanner {
  /** The decoded characters this piece adds; empty when none. */
  push(piece: string): string;
}

export function createDeltaScanner(): DeltaScanner {
  const levels: Level[] = [];
  let isInString = false;
  let isEscaped = false;
  let hex: string | null = null;
  let value = "";
  let pending = "";
  let name: string | null = null;
  let isDone = false;
  let out = "";

  const top = (): Level | undefined => levels.at(-1);
  const isKey = (): boolean => top()?.isKeyNext === true;
  const isText = (): boolean =>
    name === "explain" && levels.length === 2 && levels[0]?.key === "args" && top()?.key === "text" && !isKey();

  /** Surrogate pairs leave together; a lone half becomes U+FFFD (G5). */
  function give(unit: string): void {
    const code = unit.charCodeAt(0);
    if (pending !== "") {
      const pair = isIn(code, TRAILING) ? pending + unit : null;
      pending = "";
      if (pair !== null) {
        out += pair;
        return;
      }
      out += "\uFFFD";
    }
    if (isIn(code, LEADING)) pending = unit;
    else out += isIn(code, TRAILING) ? "\uFFFD" : unit;
  }
  function take(unit: string): void {
    if (isText()) give(unit);
    else value += unit;
  }
  function endString(): void {
    isInString = false;
    const level = top();
    if (isText()) {
      if (pending !== "") out += "\uFFFD";
      pending = "";
      isDone = true;
    } else if (level?.isKeyNext) {
      level.key = value;
    } else if (levels.length === 1 && level?.key === "name") {
      name = value;
    }
    value = "";
  }
  function inString(unit: string): void {
    if (hex !== null) {
      hex += unit;
      if (hex.length < 4) return;
      take(String.fromCharCode(Number.parseInt(hex, 16)));
      hex = null;
    } else if (isEscaped) {
      isEscaped = false;
      if (unit === "u") hex = "";
      else take(ESCAPES[unit] ?? unit);
    } else if (unit === "\\") isEscaped = true;
    else if (unit === '"') endString();
    else take(unit);
  }
  function outside(unit: string): void {
    const level = top();
    if (unit === "{") levels.push({ isObject: true, key: "", isKeyNext: true });
    // Prose or a fence before the object is skipped: only an object opens the scan.
    else if (!level) return;
    else if (unit === '"') isInString = true;
    else if (unit === "[") levels.push({ isObject: false, key: "", isKeyNext: false });
    else if (unit === "}" || unit === "]") {
      levels.pop();
      if (levels.length === 0) isDone = true;
    } else if (unit === ":") level.isKeyNext = false;
    else if (unit === "," && level.isObject) level.isKeyNext = true;
  }
  return {
    push(piece) {
      out = "";
      for (let i = 0; i < piece.length && !isDone; i += 1) {
        const unit = piece[i] ?? "";
        if (isInString) inString(unit);
        else outside(unit);
      }
      return out;
    },
  };
}
