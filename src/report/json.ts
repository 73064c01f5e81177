import type { ShadowReport } from "./model.ts";
import { byText } from "./order.ts";

/** Keys in order, so that identical evidence gives identical bytes (shadow §16). */
export const toJson = (report: ShadowReport): string => `${JSON.stringify(report, inOrder, 2)}\n`;

// `fromEntries` defines its members, whatever they are called: `__proto__` is a key like any other.
const inOrder = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => byText(one, other)))
    : value;
