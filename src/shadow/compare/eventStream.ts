// Server-sent events as a value that can be compared (shadow §12; WHATWG HTML §9.2.6): the order and names of events, their ids, and
// what they say, joined, since servers cut the same text into events as they like.
import { type Allowance, fullAllowance, JSON_LIMITS, readJson } from "../json/reader.ts";
import type { JsonValue } from "../json/values.ts";

interface StreamEvent {
  readonly name: string;
  readonly id: string | null;
  readonly data: string;
}

interface Parsed {
  readonly events: readonly StreamEvent[];
  readonly hasComments: boolean;
  /** The last event was closed by its blank line. */
  readonly isWhole: boolean;
}

/** Null: more lines than are read. */
function parse(text: string): Parsed | null {
  const events: StreamEvent[] = [];
  let [name, id, data, hasComments] = ["", null as string | null, null as string | null, false];
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/, JSON_LIMITS.nodes + 1);
  if (lines.length > JSON_LIMITS.nodes) return null;
  const rest = lines.pop() ?? "";
  for (const line of lines) {
    if (line === "") {
      // An event without data is none; an id stays for those that come.
      if (data !== null) events.push({ name: name === "" ? "message" : name, id, data });
      [name, data] = ["", null];
      continue;
    }
    const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (line.startsWith(":")) hasComments = true;
    else if (field === "data") data = data === null ? value : `${data}\n${value}`;
    else if (field === "event") name = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  }
  return { events, hasComments, isWhole: rest === "" && data === null };
}

/** JSON when every event says some; otherwise the text. */
function joined(events: readonly StreamEvent[], allowance: Allowance): JsonValue {
  const all: JsonValue[] = [];
  for (const { data } of events) {
    const reading = readJson(data, allowance);
    if (!("value" in reading) || typeof reading.value !== "object" || reading.value === null) {
      return events.map(({ data }) => data).join("");
    }
    all.push(reading.value);
  }
  return all;
}

/** Of a body of type `text/event-stream`; null: it holds more than is read of any body (shadow N3). */
export function readEventStream(text: string): JsonValue | null {
  const parsed = parse(text);
  if (parsed === null) return null;
  const { events, hasComments, isWhole } = parsed;
  const allowance = fullAllowance();
  const order = events.map(({ name }) => name).filter((name, at, all) => name !== all[at - 1]);
  const byName = Map.groupBy(events, ({ name }) => name);
  const data = Object.fromEntries([...byName].map(([name, all]) => [name, joined(all, allowance)] as const));
  if (allowance.nodes < 0) return null;
  return { order, ids: [...new Set(events.flatMap(({ id }) => id ?? []))], data, hasComments, isWhole };
}
