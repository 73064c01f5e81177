import { keyText } from "../paths/pattern.ts";
import { isPersonalKey } from "./personal.ts";

/** Where a walk over two bodies is. */
export class WalkPath {
  /** A key, or the position of an item. */
  readonly #parts: (string | number)[] = [];
  /** Whether the part is a key that is data. */
  readonly #isData: boolean[] = [];

  under<T>(part: string | number, isData: boolean, run: () => T): T {
    this.#parts.push(part);
    this.#isData.push(isData);
    try {
      return run();
    } finally {
      this.#parts.pop();
      this.#isData.pop();
    }
  }

  /** `$.folders[3].name`; a key that looks like somebody's is not told (shadow P1). */
  get text(): string {
    const parts = this.#parts.map((part): string => {
      if (typeof part === "number") return `[${part}]`;
      return isPersonalKey(part) ? ".*" : keyText(part);
    });
    return `$${parts.join("")}`;
  }

  /** `$.folders[*].name` */
  get template(): string {
    const parts = this.#parts.map((part, at): string => {
      if (typeof part === "number") return "[*]";
      return this.#isData[at] === true || isPersonalKey(part) ? ".*" : keyText(part);
    });
    return `$${parts.join("")}`;
  }
}
