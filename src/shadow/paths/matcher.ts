// Which patterns match where, for all nodes of a body in one walk: a deterministic automaton, made as it is walked. Keys that no
// pattern names share one way, so it stays as small as the patterns are, whatever bodies bring.
import { parsePattern, type Step } from "./pattern.ts";

/** A place in bodies. */
export interface Place<T> {
  /** What matches here, in the order it was given. */
  readonly found: readonly T[];
  /** Something may still match further down. */
  readonly goesOn: boolean;
  key(name: string): Place<T>;
  item(): Place<T>;
}

export interface Pattern<T> {
  readonly pattern: string;
  readonly value: T;
}

interface Machine<T> {
  readonly patterns: readonly { readonly steps: readonly Step[]; readonly value: T }[];
  readonly named: ReadonlySet<string>;
  readonly places: Map<string, MachinePlace<T>>;
}

/** @throws SyntaxError for a pattern that is none */
export function createMatcher<T>(patterns: Iterable<Pattern<T>>): Place<T> {
  const parsed = [...patterns].map(({ pattern, value }) => ({ steps: parsePattern(pattern), value }));
  const names = parsed.flatMap(({ steps }) => steps.flatMap((step) => (step.on === "key" ? [step.name] : [])));
  const machine: Machine<T> = { patterns: parsed, named: new Set(names), places: new Map() };
  return placeOf(
    machine,
    parsed.map((_, pattern) => ({ pattern, step: 0 })),
  );
}

/** How far a pattern has come. */
interface Position {
  readonly pattern: number;
  readonly step: number;
}

function placeOf<T>(machine: Machine<T>, reached: readonly Position[]): MachinePlace<T> {
  // A descent that may end here counts as ended too.
  const stepAt = ({ pattern, step }: Position): Step | undefined => machine.patterns[pattern]?.steps[step];
  const all = new Map<string, Position>();
  for (let position of reached) {
    all.set(nameOf(position), position);
    while (stepAt(position)?.on === "descend") {
      position = { ...position, step: position.step + 1 };
      all.set(nameOf(position), position);
    }
  }
  const name = [...all.keys()].sort().join(" ");
  let place = machine.places.get(name);
  if (place === undefined) {
    place = new MachinePlace(machine, [...all.values()]);
    machine.places.set(name, place);
  }
  return place;
}

const nameOf = ({ pattern, step }: Position): string => `${pattern}:${step}`;

class MachinePlace<T> implements Place<T> {
  readonly found: readonly T[];
  readonly goesOn: boolean;
  readonly #machine: Machine<T>;
  readonly #positions: readonly Position[];
  readonly #keys = new Map<string, MachinePlace<T>>();
  #otherKey: MachinePlace<T> | null = null;
  #item: MachinePlace<T> | null = null;

  constructor(machine: Machine<T>, positions: readonly Position[]) {
    this.#machine = machine;
    this.#positions = positions;
    const ended = positions.filter((position) => this.#stepAt(position) === undefined).map(({ pattern }) => pattern);
    this.found = machine.patterns.filter((_, pattern) => ended.includes(pattern)).map(({ value }) => value);
    this.goesOn = ended.length < positions.length;
  }

  key(name: string): Place<T> {
    if (!this.#machine.named.has(name)) return (this.#otherKey ??= this.#after((step) => step.on === "any-key"));
    let place = this.#keys.get(name);
    if (place === undefined) {
      place = this.#after((step) => step.on === "any-key" || (step.on === "key" && step.name === name));
      this.#keys.set(name, place);
    }
    return place;
  }

  item(): Place<T> {
    return (this.#item ??= this.#after((step) => step.on === "item"));
  }

  #stepAt({ pattern, step }: Position): Step | undefined {
    return this.#machine.patterns[pattern]?.steps[step];
  }

  #after(isTaken: (step: Step) => boolean): MachinePlace<T> {
    const next = this.#positions.flatMap((position): Position[] => {
      const step = this.#stepAt(position);
      if (step === undefined) return [];
      if (step.on === "descend") return [position];
      return isTaken(step) ? [{ ...position, step: position.step + 1 }] : [];
    });
    return placeOf(this.#machine, next);
  }
}
