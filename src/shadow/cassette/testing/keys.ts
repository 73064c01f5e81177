// Keys of calls as an application would make them, for the tests of this folder.
import { callKeyOf, type CallKey } from "../callKey.ts";
import type { ModelKeyOf } from "../ports.ts";

/** `{ask, kind, stream}` is a whole call; `{asks}` falls into parts whose reply is `{said}`. */
export const keyOf: ModelKeyOf = ({ body }) => {
  if (typeof body !== "object" || body === null) return null;
  const { ask, asks, kind, stream } = body as Record<string, unknown>;
  const form = stream === true ? "stream" : "plain";
  const name = typeof kind === "string" ? kind : "talk";
  if (Array.isArray(asks)) {
    const split = (reply: unknown): readonly unknown[] | null => {
      const said = typeof reply === "object" && reply !== null && "said" in reply ? reply.said : null;
      return Array.isArray(said) ? said : null;
    };
    const parts = { split, join: (said: readonly unknown[]) => ({ said }) };
    return { kind: name, form, texts: asks.map((one) => JSON.stringify({ ask: one as string })), parts };
  }
  if (ask === undefined) return null;
  return { kind: name, form, texts: [JSON.stringify({ ask })], parts: null };
};

export const keyFor = (body: unknown): CallKey =>
  callKeyOf({ method: "POST", path: "/say", rawHeaders: [] }, Buffer.from(JSON.stringify(body)), keyOf);
