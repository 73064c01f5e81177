// Reading a model's JSON reply (contract services.md §1) and the note that asks for another one.
import { replaceLoneSurrogatesDeep, trim } from "../../contract/index.ts";

export type UnusableReason = "not_json" | "bad_shape" | "unknown_name" | "bad_args";

export const retryNote = (reason: UnusableReason): string =>
  `The last reply was not usable (${reason}). Send one JSON object in the requested form.`;

function withoutFence(text: string): string {
  const fenced = /^```[^\n]*\n([^]*?)\n?```$/.exec(text);
  return fenced ? trim(fenced[1] ?? "") : text;
}

/** Trim, drop one surrounding fence, take the first `{` to the last `}`, parse; null unless that is an object. */
export function readJsonObject(reply: string): Record<string, unknown> | null {
  const text = withoutFence(trim(reply));
  const start = text.indexOf("{");
  const end = text.lastIndexOf("}");
  if (start < 0 || end < start) return null;
  try {
    const value: unknown = replaceLoneSurrogatesDeep(JSON.parse(text.slice(start, end + 1)));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
