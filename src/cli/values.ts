import { InvalidArgumentError } from "commander";
import { ARMS, type Arm, isArm } from "../kernel/index.ts";

const MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30s`, `10m`, `2h`, `7d`: a number without its unit is refused (ux.md §4). */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})(s|m|h|d)$/.exec(text.trim());
  if (!match) throw new InvalidArgumentError("Write a duration with its unit: 30s, 10m, 2h or 7d.");
  return Number(match[1]) * (MS[match[2] as string] as number);
}

/** `25`, `25%`, `0.5`: at most one decimal, 0 to 100. */
export function parsePercent(text: string): number {
  const match = /^(\d{1,3}(?:\.\d)?) ?%?$/.exec(text.trim());
  const value = Number(match?.[1]);
  if (!match || value > 100)
    throw new InvalidArgumentError("Write a percentage from 0 to 100 with at most one decimal: 25 or 0.5.");
  return value;
}

export function parseArm(text: string): Arm {
  if (!isArm(text)) throw new InvalidArgumentError(`An arm is one of: ${ARMS.join(", ")}.`);
  return text;
}

/** A base address of an admin listener: scheme, host, port, nothing more. */
export function parseAdminUrl(text: string): string {
  if (!URL.canParse(text)) throw new InvalidArgumentError("Write an address such as http://127.0.0.1:9901.");
  const url = new URL(text);
  const isPlain =
    (url.protocol === "http:" || url.protocol === "https:") && url.pathname === "/" && !url.search && !url.hash;
  if (!isPlain || url.username || url.password) {
    throw new InvalidArgumentError("Write scheme, host and port only: http://127.0.0.1:9901.");
  }
  return url.origin;
}
