import assert from "node:assert/strict";
import { getFunctionName } from "convex/server";
import type { Id } from "../../../../convex/_generated/dataModel.js";
import type { Store } from "../../ports.ts";

/** The log of one board; an append's answer comes when the test lets it. */
export function scriptedStore() {
  const log: { seq: number; update: ArrayBuffer }[] = [];
  const held: (() => void)[] = [];
  let isHolding = false;
  const board = "b" as Id<"boards">;
  const head = () => ({ status: "found", board, generation: 0, parts: 0, through: 0, nextSeq: log.length + 1 });
  const answer = (name: string, args: { after?: number; update?: ArrayBuffer }): unknown => {
    if (name === "boards:find") return log.length === 0 ? { status: "empty" } : head();
    if (name === "boards:open") return head();
    if (name === "boards:updates") {
      return { updates: log.filter(({ seq }) => seq > (args.after ?? 0)), hasMore: false };
    }
    if (name === "messages:snapshots") return null;
    assert.equal(name, "boards:append");
    log.push({ seq: log.length + 1, update: args.update as ArrayBuffer });
    return { status: "stored", seq: log.length };
  };
  const call = async (reference: never, args: object): Promise<never> => {
    const name = getFunctionName(reference);
    const answered = answer(name, args);
    if (isHolding && name === "boards:append") await new Promise<void>((resolve) => held.push(resolve));
    return answered as never;
  };
  const store = { query: call, mutation: call, ping: async () => {}, close: async () => {} } as unknown as Store;
  return {
    store,
    log,
    hold() {
      isHolding = true;
    },
    release() {
      isHolding = false;
      for (const resolve of held.splice(0)) resolve();
    },
  };
}
