// Samples between two checkpoints (shadow §14): limited by number and by bytes.
import type { SampleRow } from "./model.ts";

export interface PendingSample {
  readonly row: SampleRow;
  /** Redacted bodies (shadow P2); null: there are none. */
  readonly bodies: unknown;
}

const SAMPLES_MAX = 5_000;
const PENDING_BYTES_MAX = 16 * 1024 ** 2;

export class PendingSamples {
  readonly #rows: PendingSample[] = [];
  readonly #sizes: number[] = [];
  #bytes = 0;

  get rows(): readonly PendingSample[] {
    return [...this.#rows];
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @param bytesElsewhere that share its room. Gives whether it was kept. */
  add(sample: PendingSample, bytesElsewhere: number): boolean {
    if (this.#rows.length >= SAMPLES_MAX) return false;
    const { row, bodies } = sample;
    const bytes = Buffer.byteLength(JSON.stringify(row)) + Buffer.byteLength(JSON.stringify(bodies));
    if (bytesElsewhere + this.#bytes + bytes > PENDING_BYTES_MAX) return false;
    this.#rows.push(sample);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    return true;
  }

  /** Not while they are being saved. Gives how many there were. */
  removeGroup(group: string): number {
    let removed = 0;
    for (let at = this.#rows.length - 1; at >= 0; at--) {
      if (this.#rows[at]?.row.group !== group) continue;
      this.#rows.splice(at, 1);
      for (const bytes of this.#sizes.splice(at, 1)) this.#bytes -= bytes;
      removed += 1;
    }
    return removed;
  }

  /** The oldest ones are saved. */
  saved(count: number): void {
    this.#rows.splice(0, count);
    for (const bytes of this.#sizes.splice(0, count)) this.#bytes -= bytes;
  }
}
