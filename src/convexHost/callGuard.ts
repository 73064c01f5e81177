// The call that ended the last process is not begun again at once: a client repeats a mutation that was not answered and asks
// again for what it watches, and each new process would end by it (embedded-convex §3.2, §3.10). Pure.
import type { JSONValue } from "convex/values";
import { showAddress } from "./registry.ts";
import { type FunctionAddress, TransportError } from "./words.ts";

const REFUSED_MS = 60_000;
/** Enough to tell calls apart; those that begin with as many equal characters are refused together. */
const NAME_CHARS_MAX = 300;

/** What a query or mutation is called by: function and arguments. */
export function callName(address: FunctionAddress, args: JSONValue): string {
  return `${showAddress(address)} ${JSON.stringify(args)}`.slice(0, NAME_CHARS_MAX);
}

/** Told of every query and mutation from outside, by its name. */
export interface CallGuard {
  /** @throws TransportError 429 `DidNotYield` for the call that ended the last process, for a minute */
  check(name: string): void;
  /** It runs from here on, until `end`; one at a time. */
  begin(name: string): void;
  end(): void;
}

interface Witness {
  begin(name: string): void;
  end(): void;
}

const NOBODY: Witness = { begin: () => undefined, end: () => undefined };

/** @param suspect the call that ended the last process, as `callName` gives it; null: none is known */
export function createCallGuard(suspect: string | null, clock: () => number, witness: Witness | null): CallGuard {
  const untilMs = clock() + REFUSED_MS;
  const { begin, end } = witness ?? NOBODY;
  return {
    check(name) {
      if (name !== suspect || clock() >= untilMs) return;
      const [path = ""] = name.split(" ", 1);
      const message = `${path} did not yield with these arguments, and ended the process: refused for a minute`;
      throw new TransportError(429, "DidNotYield", message);
    },
    begin,
    end,
  };
}
