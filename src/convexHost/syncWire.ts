// The messages of the sync protocol (embedded-convex §3.10), and the text frames of those that the server sends.
// The shapes are those of `convex/src/browser/sync/protocol.ts`.
import type { JSONValue } from "convex/values";
import { LIMITS } from "./limits.ts";
import type { Identity, Outcome } from "./words.ts";

export interface AddedQuery {
  readonly queryId: number;
  readonly path: string;
  /** "" for the app itself. */
  readonly component: string;
  readonly args: JSONValue;
  /** The same as text: equal arguments are equal text, because clients sort keys. */
  readonly argsJson: string;
  /** Where its page ended before; null without a page. */
  readonly journal: string | null;
}

export type QuerySetChange =
  | { readonly type: "Add"; readonly query: AddedQuery }
  | { readonly type: "Remove"; readonly queryId: number };

export type Credential =
  | { readonly tokenType: "None" }
  | { readonly tokenType: "User"; readonly value: string }
  | { readonly tokenType: "Admin"; readonly value: string; readonly actingAs: Identity | null };

export interface RequestMessage {
  readonly type: "Mutation" | "Action";
  readonly requestId: number;
  readonly path: string;
  readonly component: string;
  readonly args: JSONValue;
}

export type ClientMessage =
  | { readonly type: "Connect"; readonly sessionId: string }
  | { readonly type: "Authenticate"; readonly baseVersion: number; readonly credential: Credential }
  | {
      readonly type: "ModifyQuerySet";
      readonly baseVersion: number;
      readonly newVersion: number;
      readonly changes: readonly QuerySetChange[];
    }
  | RequestMessage
  | { readonly type: "Event" };

export interface Version {
  readonly querySet: number;
  readonly identity: number;
  readonly ts: bigint;
}

export type Modification =
  | { readonly type: "removed"; readonly queryId: number }
  | { readonly type: "result"; readonly queryId: number; readonly outcome: Outcome; readonly journal: string | null };

export type ServerMessage =
  | {
      readonly type: "Transition";
      readonly start: Version;
      readonly end: Version;
      readonly modifications: readonly Modification[];
    }
  | {
      readonly type: "MutationResponse" | "ActionResponse";
      readonly requestId: number;
      readonly outcome: Outcome;
    }
  | {
      readonly type: "AuthError";
      readonly error: string;
      readonly baseVersion: number;
      readonly authUpdateAttempted: boolean;
    }
  | { readonly type: "FatalError"; readonly error: string }
  | { readonly type: "Ping" };

/** Of one transition, all its chunks together; far below the longest string that V8 makes. */
const TRANSITION_LENGTH_MAX = 128 * 1_024 * 1_024;
/** UTF-16 units of a chunk: at most 3 bytes each, so that a chunk and its envelope stay below `syncMessageBytes`. */
const CHUNK_LENGTH = 1_500_000;

/** `ts` as the wire has it: base64 of a little-endian u64. */
export function encodeTs(ts: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(ts);
  return bytes.toString("base64");
}

/**
 * The text frames of one message: several only for a transition above `LIMITS.syncMessageBytes`, which must go out with no
 * other message but `Ping` between them (the client throws the parts away otherwise).
 * @throws RangeError when a transition is beyond what the host sends at all
 */
export function encodeServerMessage(message: ServerMessage, transitionId: string): readonly string[] {
  switch (message.type) {
    case "Transition":
      return splitTransition(encodeTransition(message), transitionId);
    case "MutationResponse":
    case "ActionResponse":
      return [encodeResponse(message)];
    case "AuthError":
    case "FatalError":
    case "Ping":
      return [JSON.stringify(message)];
  }
}

function encodeTransition(message: ServerMessage & { readonly type: "Transition" }): string {
  const modifications = message.modifications.map(encodeModification);
  const length = modifications.reduce((sum, text) => sum + text.length, 0);
  if (length > TRANSITION_LENGTH_MAX) {
    throw new RangeError(`TransitionTooLarge: ${length} characters, at most ${TRANSITION_LENGTH_MAX} are sent`);
  }
  const [start, end] = [encodeVersion(message.start), encodeVersion(message.end)];
  return `{"type":"Transition","startVersion":${start},"endVersion":${end},"modifications":[${modifications.join(",")}]}`;
}

function encodeVersion(version: Version): string {
  return JSON.stringify({ querySet: version.querySet, identity: version.identity, ts: encodeTs(version.ts) });
}

/** Results are JSON text already: parsing them only to write them again would be most of the work of a push. */
function encodeModification(modification: Modification): string {
  const { queryId } = modification;
  if (modification.type === "removed") return JSON.stringify({ type: "QueryRemoved", queryId });
  const { outcome, journal } = modification;
  const { logLines } = outcome;
  if ("failure" in outcome.result) {
    const { message, data } = outcome.result.failure;
    const errorData = data === undefined ? {} : { errorData: data };
    return JSON.stringify({ type: "QueryFailed", queryId, errorMessage: message, logLines, ...errorData, journal });
  }
  const tail = `"logLines":${JSON.stringify(logLines)},"journal":${JSON.stringify(journal)}`;
  return `{"type":"QueryUpdated","queryId":${queryId},"value":${outcome.result.valueJson},${tail}}`;
}

function encodeResponse(message: ServerMessage & { readonly type: "MutationResponse" | "ActionResponse" }): string {
  const { type, requestId, outcome } = message;
  const { logLines } = outcome;
  if ("failure" in outcome.result) {
    const { message: result, data } = outcome.result.failure;
    const errorData = data === undefined ? {} : { errorData: data };
    return JSON.stringify({ type, requestId, success: false, result, logLines, ...errorData });
  }
  const ts = type === "MutationResponse" ? `,"ts":"${encodeTs(outcome.ts)}"` : "";
  const head = `"type":"${type}","requestId":${requestId},"success":true`;
  return `{${head},"result":${outcome.result.valueJson}${ts},"logLines":${JSON.stringify(logLines)}}`;
}

function splitTransition(text: string, transitionId: string): readonly string[] {
  if (text.length * 3 <= LIMITS.syncMessageBytes || Buffer.byteLength(text) <= LIMITS.syncMessageBytes) return [text];
  const totalParts = Math.ceil(text.length / CHUNK_LENGTH);
  return Array.from({ length: totalParts }, (_, partNumber) => {
    const chunk = text.slice(partNumber * CHUNK_LENGTH, (partNumber + 1) * CHUNK_LENGTH);
    return JSON.stringify({ type: "TransitionChunk", chunk, partNumber, totalParts, transitionId });
  });
}
