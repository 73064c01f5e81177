// Parses the frames of the sync protocol's clients (embedded-convex §3.10), once, at the edge.
import type { JSONValue } from "convex/values";
import type { AddedQuery, ClientMessage, Credential, QuerySetChange } from "./syncWire.ts";
import type { Identity } from "./words.ts";

/** The client broke the protocol; the message says what was expected. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

const SESSION_ID_LENGTH_MAX = 128;

/** One text frame of a client. @throws ProtocolError */
export function parseClientMessage(frame: string): ClientMessage {
  try {
    return parseMessage(fieldsOf(JSON.parse(frame), "a message"));
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    // JSON that does not parse, or that is nested too deeply to be written again.
    throw new ProtocolError(`expected a JSON object: ${error instanceof Error ? error.message : String(error)}`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function parseMessage(fields: Fields): ClientMessage {
  switch (fields["type"]) {
    case "Connect":
      return { type: "Connect", sessionId: sessionIdOf(fields) };
    case "Authenticate":
      return { type: "Authenticate", baseVersion: countOf(fields, "baseVersion"), credential: credentialOf(fields) };
    case "ModifyQuerySet":
      return {
        type: "ModifyQuerySet",
        baseVersion: countOf(fields, "baseVersion"),
        newVersion: countOf(fields, "newVersion"),
        changes: listOf(fields, "modifications").map(changeOf),
      };
    case "Mutation":
    case "Action":
      return {
        type: fields["type"],
        requestId: countOf(fields, "requestId"),
        path: textOf(fields, "udfPath"),
        component: optionalTextOf(fields, "componentPath") ?? "",
        args: argsOf(fields),
      };
    case "Event":
      return { type: "Event" };
    default:
      throw new ProtocolError(
        `expected type Connect, Authenticate, ModifyQuerySet, Mutation, Action or Event, got ${shown(fields["type"])}`,
      );
  }
}

function changeOf(value: unknown): QuerySetChange {
  const fields = fieldsOf(value, "a modification");
  const queryId = countOf(fields, "queryId");
  if (fields["type"] === "Remove") return { type: "Remove", queryId };
  if (fields["type"] !== "Add") throw new ProtocolError(`expected Add or Remove, got ${shown(fields["type"])}`);
  const args = argsOf(fields);
  const query: AddedQuery = {
    queryId,
    path: textOf(fields, "udfPath"),
    component: optionalTextOf(fields, "componentPath") ?? "",
    args,
    argsJson: JSON.stringify(args),
    journal: optionalTextOf(fields, "journal"),
  };
  return { type: "Add", query };
}

function credentialOf(fields: Fields): Credential {
  switch (fields["tokenType"]) {
    case "None":
      return { tokenType: "None" };
    case "User":
      return { tokenType: "User", value: textOf(fields, "value") };
    case "Admin": {
      const impersonating = fields["impersonating"] ?? null;
      const actingAs = impersonating === null ? null : identityOf(fieldsOf(impersonating, "impersonating"));
      return { tokenType: "Admin", value: textOf(fields, "value"), actingAs };
    }
    default:
      throw new ProtocolError(`expected tokenType User, Admin or None, got ${shown(fields["tokenType"])}`);
  }
}

/** `UserIdentityAttributes` come without the identifier; whether they are an identity at all is for `CallerAuth` to say. */
function identityOf(attributes: Fields): Identity {
  const { issuer, subject } = attributes;
  const tokenIdentifier = typeof issuer === "string" && typeof subject === "string" ? `${issuer}|${subject}` : "";
  return { ...(attributes as Readonly<Record<string, JSONValue>>), tokenIdentifier };
}

function sessionIdOf(fields: Fields): string {
  const sessionId = textOf(fields, "sessionId");
  if (sessionId === "" || sessionId.length > SESSION_ID_LENGTH_MAX) {
    throw new ProtocolError(`sessionId: expected 1 to ${SESSION_ID_LENGTH_MAX} characters, got ${sessionId.length}`);
  }
  return sessionId;
}

/** `args` are an array of the one argument object. */
function argsOf(fields: Fields): JSONValue {
  const list = listOf(fields, "args");
  if (list.length > 1) throw new ProtocolError(`args: expected an array of one, got ${list.length}`);
  return (list[0] ?? {}) as JSONValue;
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolError(`${what}: expected an object, got ${shown(value)}`);
  }
  return value as Fields;
}

function listOf(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw new ProtocolError(`${name}: expected an array, got ${shown(value)}`);
  return value;
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw new ProtocolError(`${name}: expected a string, got ${shown(value)}`);
  return value;
}

function optionalTextOf(fields: Fields, name: string): string | null {
  return fields[name] === undefined || fields[name] === null ? null : textOf(fields, name);
}

function countOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new ProtocolError(`${name}: expected a whole number of at least 0, got ${shown(value)}`);
  }
  return value;
}

/** The value as a message may quote it: never a long text, never a token. */
function shown(value: unknown): string {
  if (value === null || value === undefined || typeof value === "number" || typeof value === "boolean")
    return String(value);
  if (typeof value === "string") return value.length <= 40 ? JSON.stringify(value) : `a string of ${value.length}`;
  return Array.isArray(value) ? "an array" : "an object";
}
