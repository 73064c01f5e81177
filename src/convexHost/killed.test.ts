// Goal 7: killed under load again and again, the host loses nothing it has acknowledged, and does nothing twice.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { eventually, type HostBench, makeHostBench, mutation } from "./testing/hostBench.ts";

const KILLS = 12;
const CALLERS = 10;
const SOCKET_MUTATIONS = 600;

const FUNCTIONS = {
  "work.ts": `import { mutationGeneric as mutation, queryGeneric as query, internalActionGeneric as internalAction,
  internalMutationGeneric as internalMutation, makeFunctionReference } from "convex/server";
const ref = (name) => makeFunctionReference(name);
export const put = internalMutation({ handler: (ctx, { what }) => ctx.db.insert("log", { what }) });
export const act = internalAction({ handler: (ctx, { what }) => ctx.runMutation(ref("work:put"), { what: "action of " + what }) });
export const add = mutation({ handler: async (ctx, { what }) => {
  await ctx.db.insert("log", { what });
  await ctx.scheduler.runAfter(0, ref("work:put"), { what: "mutation of " + what });
  await ctx.scheduler.runAfter(5, ref("work:act"), { what });
} });
export const logged = query({ handler: async (ctx) => (await ctx.db.query("log").collect()).map(({ what }) => what) });
export const unfinished = query({ handler: async (ctx) => (await ctx.db.system.query("_scheduled_functions").collect())
  .filter(({ state }) => state.kind === "pending" || state.kind === "inProgress").length });
`,
};

/** Calls over HTTP until the host is gone; what it has acknowledged is added to `acknowledged`. */
async function load(bench: HostBench, name: string, acknowledged: string[]): Promise<void> {
  try {
    for (let at = 0; ; at++) {
      await bench.mutation("work:add", { what: `${name}.${at}` });
      acknowledged.push(`${name}.${at}`);
    }
  } catch {
    // Killed.
  }
}

test("killed twelve times under load: acknowledged writes are there, mutations and their jobs once, no action twice", async (t) => {
  const bench = await makeHostBench(t, FUNCTIONS);
  const client = bench.connect();
  const acknowledged: string[] = [];
  let sent = 0;
  const answers: Promise<unknown>[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const enough = acknowledged.length + randomInt(20, 120);
    for (let at = 0; at < SOCKET_MUTATIONS / KILLS; at++, sent++) {
      answers.push(client.mutation(mutation("work:add"), { what: `socket.${sent}` }));
    }
    const loads = Array.from({ length: CALLERS }, (_, caller) => load(bench, `${kill}.${caller}`, acknowledged));
    await eventually(() => acknowledged.length >= enough);
    assert.equal((await bench.stop("SIGKILL")).signal, "SIGKILL");
    await Promise.all(loads);
    await bench.start();
  }
  await Promise.all(answers);
  await eventually(async () => (await bench.query("work:unfinished")) === 0);
  const logged = (await bench.query("work:logged")) as string[];
  const timesOf = (what: string): number => logged.filter((other) => other === what).length;
  const written = logged.filter((what) => !what.includes(" of "));
  assert.deepEqual(
    acknowledged.filter((what) => !written.includes(what)),
    [],
  );
  assert.deepEqual(
    written.filter((what) => timesOf(what) !== 1 || timesOf(`mutation of ${what}`) !== 1),
    [],
  );
  assert.deepEqual(
    written.filter((what) => timesOf(`action of ${what}`) > 1),
    [],
  );
  assert.deepEqual(
    written.filter((what) => what.startsWith("socket.")),
    Array.from({ length: SOCKET_MUTATIONS }, (_, at) => `socket.${at}`),
  );
});
