// Which ids of the two arms meet in one comparison (shadow §6). Pairs are collected here and handed on when all of it has been
// walked: a walk guesses which items of two lists belong together, and takes back what it has guessed wrongly.
import type { Arm } from "../../kernel/index.ts";
import type { IdPair, IdPairs } from "./idPairs.ts";
import { idClassOf } from "./valueClass.ts";

/** Of an id without a known partner, in fingerprints: rows are paired by what else they say. */
export const UNKNOWN_ID = "~id";

type Met = IdPair | "conflict";

export class Meetings {
  readonly #ids: IdPairs;
  readonly #shared: () => ReadonlySet<string>;
  #met: Met[] = [];
  #version = 0;
  readonly #names = { control: new Map<string, IdPair>(), candidate: new Map<string, IdPair>() };

  /** @param shared ids that both bodies hold: they name themselves (M1: equal values need no pair) */
  constructor(ids: IdPairs, shared: () => ReadonlySet<string>) {
    this.#ids = ids;
    this.#shared = shared;
  }

  /** Another one: other fingerprints. */
  get version(): number {
    return this.#version;
  }

  /** Somebody's, or met here: a text may have another name. */
  get hasPairs(): boolean {
    return !this.#ids.isEmpty || this.#names.control.size > 0;
  }

  /** Two values at one path; `conflict`: one of them is known to be the name of something else (M4). */
  meet(control: string, candidate: string, isDeclared: boolean): "same" | "other" | "conflict" {
    const known = this.#find("control", control);
    if (known !== null && known.candidate === candidate) return "same";
    const isEqual = control === candidate;
    const isId = isDeclared || (this.#ids.mode === "learnt" && isOneClass(control, candidate));
    if (known !== null || this.#find("candidate", candidate) !== null) {
      if (isId) return "conflict";
      // An id that its own arm alone calls so, and no word or number that only happens to be spelt like one.
      return isEqual && idClassOf(control) === null ? "same" : "other";
    }
    if (isEqual) return "same";
    if (!isId || !this.#ids.mayLearn || this.#shared().has(control) || this.#shared().has(candidate)) return "other";
    this.#add({ control, candidate, isFirm: isDeclared });
    return "same";
  }

  /** This text of both arms may not be the same thing: one of them calls that otherwise. */
  isNamedOtherwise(text: string): boolean {
    if (!this.hasPairs) return false;
    return this.#find("control", text) !== null || this.#find("candidate", text) !== null;
  }

  candidateOf(control: string): string | null {
    return this.#find("control", control)?.candidate ?? null;
  }

  /** One of them belongs to a pair that no call has proven yet. */
  isTentative(control: string, candidate: string): boolean {
    return this.#find("control", control)?.isFirm === false || this.#find("candidate", candidate)?.isFirm === false;
  }

  /** One text for what may be one thing. `as`: what a rule says of the place, or that it is a key, which is never learnt. */
  printOf(arm: Arm, text: string, as: "id" | "text" | "key"): string {
    const known = this.#find(arm, text);
    if (known !== null) return known.candidate;
    if (as === "key" || !this.#ids.mayLearn) return text;
    const isId = as === "id" || (this.#ids.mode === "learnt" && idClassOf(text) !== null);
    return isId && !this.#shared().has(text) ? UNKNOWN_ID : text;
  }

  conflict(): void {
    this.#met.push("conflict");
  }

  mark(): number {
    return this.#met.length;
  }

  /** A try that is taken back. Gives what had been met in it, should it have been right after all. */
  takeBack(mark: number): readonly Met[] {
    const taken = this.#met.splice(mark);
    for (const one of taken) this.#forget(one);
    return taken;
  }

  restore(taken: readonly Met[]): void {
    for (const one of taken) {
      if (one === "conflict") this.conflict();
      else this.#add(one);
    }
  }

  /** What was compared differs: whether it is one thing nobody knows, so that no pair comes of it. */
  dropPairs(mark: number): void {
    const conflicts = this.takeBack(mark).filter((one) => one === "conflict");
    this.#met.push(...conflicts);
  }

  /** All has been walked. */
  commit(): void {
    for (const one of this.#met) {
      if (one !== "conflict") this.#ids.learn(one.control, one.candidate, one.isFirm);
    }
    if (this.#met.includes("conflict")) this.#ids.conflict();
    this.#met = [];
  }

  #find(arm: Arm, id: string): IdPair | null {
    return this.#names[arm].get(id) ?? (this.#ids.isEmpty ? null : this.#ids.find(arm, id));
  }

  #add(pair: IdPair): void {
    this.#version += 1;
    this.#met.push(pair);
    this.#names.control.set(pair.control, pair);
    this.#names.candidate.set(pair.candidate, pair);
  }

  #forget(one: Met): void {
    if (one === "conflict") return;
    this.#version += 1;
    this.#names.control.delete(one.control);
    this.#names.candidate.delete(one.candidate);
  }
}

function isOneClass(control: string, candidate: string): boolean {
  const id = idClassOf(control);
  return id !== null && id === idClassOf(candidate);
}
