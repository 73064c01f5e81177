// Pairs of replies as both arms might have given them, however hostile their bodies are.
import { NORMALISERS } from "../normalisers.ts";
import { compareExchange, RouteRules } from "../exchange.ts";
import type { Observation, Reply } from "../../observation.ts";
import type { Verdict } from "../../verdict.ts";

export type Body = string | Uint8Array;

export interface Sent {
  readonly type?: string;
  readonly coding?: string;
  readonly body: Body;
}

const CONTEXT = { delayMs: 0, nowMs: 0, shadow: "candidate", conditions: {}, ids: null } as const;
const NO_RULES = new RouteRules([], { normalisers: NORMALISERS, statusClass: String });

export const bytesOf = (body: Body): Uint8Array => (typeof body === "string" ? Buffer.from(body) : body);

export function replyOf({ type = "application/json", coding, body }: Sent): Reply {
  const headers = ["content-type", type];
  if (coding !== undefined) headers.push("content-encoding", coding);
  return { status: 200, headers, body: bytesOf(body) };
}

const observed = (arm: "control" | "candidate", sent: Sent): Observation => ({
  arm,
  role: arm === "control" ? "served" : "shadow",
  result: { reply: replyOf(sent) },
  isCut: false,
  firstByteMs: 1,
  totalMs: 2,
});

/** Under no rules. */
export const verdictOf = (control: Sent, candidate: Sent): Verdict =>
  compareExchange(observed("control", control), observed("candidate", candidate), NO_RULES, CONTEXT).verdict;

/** Of JSON bodies. */
export const judge = (control: Body, candidate: Body): Verdict => verdictOf({ body: control }, { body: candidate });

export const isUndecodable = (verdict: Verdict): boolean => "notes" in verdict && verdict.notes.includes("undecodable");

/** Processor time, since the machine may have other things to do; ms. */
export function timed<T>(run: () => T): { readonly value: T; readonly ms: number } {
  const before = process.threadCpuUsage();
  const value = run();
  const { user, system } = process.threadCpuUsage(before);
  return { value, ms: (user + system) / 1_000 };
}
