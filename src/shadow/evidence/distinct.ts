// How many different groups (shadow §4), in 256 bytes however many there are: exact up to 32, then HyperLogLog (Flajolet et al.
// 2007) with 256 registers, whose standard error is 1.04 / √256 = 6.5 %. Merged in any order it is what one would have counted.
import { hash } from "node:crypto";

export const EXACT_MAX = 32;
const REGISTERS = 256;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

export class Distinct {
  /** 48 bits of a hash each; empty once there are registers. */
  #exact: number[] = [];
  #registers: Uint8Array | null = null;

  /** @param text of another one @throws SyntaxError for a text that is none */
  constructor(text = "e") {
    this.merge(text);
  }

  add(name: string): void {
    this.#addHash(hash("sha256", name, "buffer").readUIntBE(0, 6));
  }

  /** @throws SyntaxError for a text that is none */
  merge(text: string): void {
    if (/^e(?:[0-9a-f]{12})*$/.test(text)) {
      for (let at = 1; at < text.length; at += 12) this.#addHash(Number.parseInt(text.slice(at, at + 12), 16));
      return;
    }
    const registers = Buffer.from(text.slice(1), "base64");
    if (!text.startsWith("h") || registers.length !== REGISTERS) throw new SyntaxError("no count of groups");
    const own = this.#estimating();
    for (const [at, rank] of registers.entries()) own[at] = Math.max(own[at] ?? 0, rank);
  }

  get count(): number {
    return this.#registers === null ? this.#exact.length : estimate(this.#registers);
  }

  /** The same for the same groups, whatever their order. */
  get text(): string {
    if (this.#registers !== null) return `h${Buffer.from(this.#registers).toString("base64")}`;
    const digits = this.#exact.toSorted((one, other) => one - other).map((one) => one.toString(16).padStart(12, "0"));
    return `e${digits.join("")}`;
  }

  #addHash(value: number): void {
    if (this.#registers !== null) return record(this.#registers, value);
    if (this.#exact.includes(value)) return;
    this.#exact.push(value);
    if (this.#exact.length > EXACT_MAX) this.#estimating();
  }

  #estimating(): Uint8Array {
    if (this.#registers !== null) return this.#registers;
    this.#registers = new Uint8Array(REGISTERS);
    for (const value of this.#exact) record(this.#registers, value);
    this.#exact = [];
    return this.#registers;
  }
}

/** The last 8 bits choose the register, it keeps the longest run of zeros that began the other 40. */
function record(registers: Uint8Array, value: number): void {
  const [at, high, low] = [value % REGISTERS, Math.floor(value / 2 ** 16), Math.floor(value / REGISTERS) % 256];
  const rank = high > 0 ? Math.clz32(high) + 1 : Math.clz32(low) + 9;
  registers[at] = Math.max(registers[at] ?? 0, rank);
}

function estimate(registers: Uint8Array): number {
  let sum = 0;
  let zeros = 0;
  for (const rank of registers) {
    sum += 2 ** -rank;
    if (rank === 0) zeros += 1;
  }
  const raw = (ALPHA * REGISTERS ** 2) / sum;
  const isSmall = raw <= 2.5 * REGISTERS && zeros > 0;
  return Math.max(EXACT_MAX + 1, Math.round(isSmall ? REGISTERS * Math.log(REGISTERS / zeros) : raw));
}
