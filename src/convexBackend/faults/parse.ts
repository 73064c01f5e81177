// `name[@scope][:rate[:arg]]`, comma-separated (faults.md §1).
import { ROUTES } from "../../contract/index.ts";
import { type FaultName, isFaultName, SCOPE_WORDS } from "./table.ts";

/** More than every fault once, and small enough for a header. */
export const FAULT_ITEMS_MAX = 100;

export interface FaultItem {
  readonly name: FaultName;
  readonly scope: string | null;
  readonly rate: number;
  readonly arg: string | null;
  readonly text: string;
}

export class FaultSyntaxError extends Error {
  override readonly name = "FaultSyntaxError";
}

const routeIds: ReadonlySet<string> = new Set(ROUTES.map((route) => route.id));
const RATE = /^(?:\d+(?:\.\d*)?|\.\d+)$/;

function parseItem(text: string): FaultItem {
  const [head = "", rateText, ...rest] = text.split(":");
  const [name = "", scope = null] = head.split("@");
  if (!isFaultName(name)) throw new FaultSyntaxError(`unknown fault "${name}"`);
  if (scope !== null && !SCOPE_WORDS.has(scope) && !routeIds.has(scope)) {
    throw new FaultSyntaxError(`unknown scope "${scope}" of fault "${name}"`);
  }
  const rate = rateText === undefined ? 1 : Number(rateText);
  if (rateText !== undefined && (!RATE.test(rateText) || rate > 1)) {
    throw new FaultSyntaxError(`the rate of fault "${name}" must be a number from 0 to 1, not "${rateText}"`);
  }
  return { name, scope, rate, arg: rest.length > 0 ? rest.join(":") : null, text };
}

/** Throws {@link FaultSyntaxError} for an unknown name, scope or bad rate. Empty text: none. */
export function parseFaults(text: string): readonly FaultItem[] {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  if (items.length > FAULT_ITEMS_MAX) throw new FaultSyntaxError(`more than ${FAULT_ITEMS_MAX} faults`);
  return items.map(parseItem);
}
