import type { SeatOrder, UnitId } from "../kernel/index.ts";
import type { ProcessId } from "./handover.ts";

/** The processes that serve, and what all of them are told of the units. */
export class Fleet {
  readonly #members = new Map<ProcessId, (order: SeatOrder) => void>();
  /** Subjects that sit at the candidate. */
  readonly #guests: Map<UnitId, number>;
  #next: ProcessId = 1;

  constructor(guests: ReadonlyMap<UnitId, number>) {
    this.#guests = new Map(guests);
  }

  get ids(): readonly ProcessId[] {
    return [...this.#members.keys()];
  }

  get guests(): ReadonlyMap<UnitId, number> {
    return this.#guests;
  }

  add(send: (order: SeatOrder) => void): ProcessId {
    const id = this.#next++;
    this.#members.set(id, send);
    for (const [unit, count] of this.#guests) send({ type: "guests", unit, hasAny: count > 0 });
    return id;
  }

  remove(id: ProcessId): void {
    this.#members.delete(id);
  }

  tell(id: ProcessId, order: SeatOrder): void {
    this.#members.get(id)?.(order);
  }

  tellAll(order: SeatOrder): void {
    for (const send of this.#members.values()) send(order);
  }

  /** So many more subjects of this unit sit at the candidate. */
  countGuests(unit: UnitId, by: number): void {
    const before = this.#guests.get(unit);
    const count = Math.max(0, (before ?? 0) + by);
    this.#guests.set(unit, count);
    if (before === undefined || before > 0 !== count > 0) this.tellAll({ type: "guests", unit, hasAny: count > 0 });
  }
}
