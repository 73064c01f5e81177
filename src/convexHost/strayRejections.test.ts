import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { makeFunctionFolder } from "./testing/functionFolder.ts";

const run = promisify(execFile);
const at = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);

/** A process that loads a realm and then runs `body`; gives what it printed. */
async function inProcess(t: TestContext, body: string): Promise<string> {
  const { root } = makeFunctionFolder(t, {
    "a.ts": 'export const forget = () => { void (async () => { throw new Error("forgotten"); })(); };',
  });
  const script = `
    import { createConvexGlobal } from ${at("convexGlobal.ts")};
    import { bundleFunctions } from ${at("esbuildBundle.ts")};
    import { createRealmHooks } from ${at("frames.ts")};
    import { watchStrayRejections } from ${at("strayRejections.ts")};
    import { loadRealm } from ${at("vmRealm.ts")};
    const hooks = createRealmHooks({ clock: Date.now, log() {} });
    const realm = loadRealm(await bundleFunctions(${JSON.stringify(root)}, null), { environment: {}, convex: createConvexGlobal(), hooks });
    watchStrayRejections(realm, (event, { error }) => console.log(event, JSON.stringify(error)));
    ${body}
    await new Promise((done) => setTimeout(done, 20));
    console.log("alive");`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script]);
  return stdout;
}

test("what a function forgot to await and failed is logged with its place, and the process lives on", async (t) => {
  const printed = await inProcess(t, 'realm.modules.get("").get("a").forget();');
  assert.match(printed, /^function\.strayRejection "forgotten\\n {4}at convex\/a\.ts:1:\d+\\n.*"\nalive\n$/);
});

test("a rejection of the host's own stays fatal", async (t) => {
  const failed = inProcess(t, 'void Promise.reject(new Error("the host\'s fault"));');
  await assert.rejects(failed, /the host's fault/);
});
