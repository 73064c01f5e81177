import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { bundleFunctions } from "./esbuildBundle.ts";
import { createSeededBytes } from "./seededBytes.ts";
import { makeFunctionFolder } from "./testing/functionFolder.ts";
import { type LoadedRealm, loadRealm, type RealmHooks } from "./vmRealm.ts";

type Fn = (...args: unknown[]) => any;

interface Stage {
  readonly realm: LoadedRealm;
  call(name: string, ...args: unknown[]): any;
  readonly lines: [string, unknown[]][];
  /** null: as in an action. */
  frozen: { nowMs: number; seed: Uint8Array } | null;
  component: string;
}

/** A realm with the module `a` of the given text, outside of all functions unless the test says otherwise. */
async function stage(
  t: TestContext,
  files: Record<string, string>,
  environment: Record<string, string> = {},
): Promise<Stage> {
  const folder = makeFunctionFolder(t, files);
  const lines: [string, unknown[]][] = [];
  let bytes: ((count: number) => Uint8Array) | null = null;
  let frozen: Stage["frozen"] = null;
  const hooks: RealmHooks = {
    nowMs: () => frozen?.nowMs ?? Date.now(),
    seededBytes: (count) => bytes?.(count) ?? null,
    requireAction(what) {
      if (frozen !== null) throw new Error(`${what} is for actions`);
    },
    log: (level, values) => void lines.push([level, [...values]]),
    setTimer: (callback, delayMs) => {
      setTimeout(callback, delayMs);
      return 7;
    },
    clearTimer: () => {},
    component: () => made.component,
  };
  const made: Stage = {
    lines,
    component: "",
    get frozen() {
      return frozen;
    },
    set frozen(value) {
      frozen = value;
      bytes = value === null ? null : createSeededBytes(value.seed);
    },
    realm: null as never,
    call: (name, ...args) => ((made.realm.modules.get("")?.get("a") ?? {})[name] as Fn)(...args),
  };
  const convex = {
    syscall: (op: string) => {
      throw new TypeError(`host refuses ${op}`);
    },
    asyncSyscall: (op: string, args: string) =>
      Promise.resolve(JSON.stringify({ op, args: JSON.parse(args) as unknown })),
    jsSyscall: (op: string) => Promise.reject(new Error(`host refuses ${op}`)),
  };
  const bundle = await bundleFunctions(folder.root, null);
  (made as { realm: LoadedRealm }).realm = loadRealm(bundle, { environment, convex, hooks });
  return made;
}

test("functions find no Node: no require, Buffer, global timers of Node, or process but its variables", async (t) => {
  process.env["HOST_SECRET"] = "must not be seen";
  t.after(() => delete process.env["HOST_SECRET"]);
  const { call } = await stage(
    t,
    {
      "a.ts": `
        declare const process: any;
        export const kinds = () => ["Buffer", "require", "module", "global", "setImmediate", "__dirname"].map((n) => typeof (globalThis as any)[n]);
        export const keys = () => [Object.keys(process), Object.keys(process.env), process.env.HOST_SECRET, process.env.NODE_ENV, process.env.GIVEN, "GIVEN" in process.env];
        export const change = () => { try { process.env.GIVEN = "2"; } catch {} return process.env.GIVEN; };`,
    },
    { GIVEN: "1" },
  );
  assert.deepEqual(
    [...call("kinds")],
    Array.from({ length: 6 }, () => "undefined"),
  );
  const [own, names, secret, mode, given, isIn] = call("keys");
  assert.deepEqual(
    [[...own], [...names], secret, mode, given, isIn],
    [["env"], ["GIVEN"], undefined, "production", "1", true],
  );
  assert.equal(call("change"), "1");
});

test("a component sees only the variables that are passed to it", async (t) => {
  const made = await stage(
    t,
    {
      "a.ts":
        "declare const process: any;\nexport const env = process.env;\nexport const read = (n: string) => env[n];",
      "convex.config.ts": `
        import { defineApp } from "convex/server";
        import { v } from "convex/values";
        import part from "./part/convex.config";
        const app = defineApp({ env: { KEY: v.string() } });
        app.use(part, { env: { INNER: app.env.KEY, FIXED: "f" } });
        export default app;`,
      "part/convex.config.ts": `
        import { defineComponent } from "convex/server";
        import { v } from "convex/values";
        export default defineComponent("part", { env: { INNER: v.string(), FIXED: v.string() } });`,
    },
    { KEY: "k", OTHER: "o" },
  );
  const read = () => ["KEY", "OTHER", "INNER", "FIXED"].map((name) => made.call("read", name));
  assert.deepEqual(read(), ["k", "o", undefined, undefined]);
  made.component = "part";
  assert.deepEqual(read(), [undefined, undefined, "k", "f"]);
});

test("the clock stands still in queries and mutations, in every way to ask for it, and dates stay dates", async (t) => {
  const made = await stage(t, {
    "a.ts": `
      export const times = () => [Date.now(), +new Date(), performance.timeOrigin + performance.now()];
      export const text = () => Date();
      export const shape = () => {
        class Day extends Date { get isDay() { return true; } }
        const d = new Date(2020, 1, 3), day = new Day(5);
        return [d instanceof Date, d.getMonth(), Date.UTC(1970, 0, 2), Date.parse("1970-01-01"), d.constructor === Date, Date.name, Date.length, day.isDay, day instanceof Date, day.getTime(), Object.prototype.toString.call(d)];
      };`,
  });
  made.frozen = { nowMs: 1_700_000_000_123, seed: new Uint8Array(32) };
  assert.deepEqual([...made.call("times")], [1_700_000_000_123, 1_700_000_000_123, 1_700_000_000_123]);
  assert.equal(made.call("text"), new Date(1_700_000_000_123).toString());
  assert.deepEqual([...made.call("shape")], [true, 1, 86_400_000, 0, true, "Date", 7, true, true, 5, "[object Date]"]);
  made.frozen = null;
  const before = Date.now();
  assert.ok(made.call("times")[0] >= before);
});

test("randomness repeats for the same seed, differs for another, and is the platform's own in actions", async (t) => {
  const made = await stage(t, {
    "a.ts":
      "export const draw = () => [Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint16Array(5))].join()];",
  });
  const drawWith = (seed: number) => {
    made.frozen = { nowMs: 1, seed: new Uint8Array(32).fill(seed) };
    return [...made.call("draw"), ...made.call("draw")];
  };
  const first = drawWith(1);
  assert.deepEqual(drawWith(1), first);
  assert.notDeepEqual(drawWith(2), first);
  assert.equal(new Set(first).size, first.length);
  assert.ok(first[0] >= 0 && first[0] < 1);
  assert.match(first[1], /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  made.frozen = null;
  assert.notDeepEqual([...made.call("draw")], [...made.call("draw")]);
});

test("fetch and timers throw in queries and mutations; clearing a timer does not", async (t) => {
  const made = await stage(t, {
    "a.ts": `
      export const reach = () => fetch("http://127.0.0.1:9/");
      export const wait = () => setTimeout(() => {}, 1);
      export const repeat = () => setInterval(() => {}, 1);
      export const clear = () => { clearTimeout(undefined); clearInterval(3); return "fine"; };
      export const later = () => new Promise((done) => setTimeout(done, 1, "waited"));`,
  });
  made.frozen = { nowMs: 1, seed: new Uint8Array(32) };
  await assert.rejects(made.call("reach"), /fetch\(\) is for actions/);
  assert.throws(() => made.call("wait"), /setTimeout\(\) is for actions/);
  assert.throws(() => made.call("repeat"), /setInterval\(\) is for actions/);
  assert.equal(made.call("clear"), "fine");
  made.frozen = null;
  assert.equal(await made.call("later"), "waited");
});

test("bytes made on either side are bytes on the other", async (t) => {
  const made = await stage(t, {
    "a.ts": `
      import { convexToJson, jsonToConvex } from "convex/values";
      export const make = () => [new ArrayBuffer(3), new Uint8Array([1, 2]).buffer, new Float64Array(1).buffer, new DataView(new ArrayBuffer(1)).buffer];
      export const take = (value: unknown) => value instanceof ArrayBuffer;
      export const encode = async () => [
        convexToJson(new TextEncoder().encode("ab").buffer as never),
        convexToJson(await new Response("abc").arrayBuffer() as never),
        convexToJson(await crypto.subtle.digest("SHA-256", new Uint8Array(2)) as never),
        (jsonToConvex({ $bytes: "YWI=" }) as any) instanceof ArrayBuffer,
      ].map((v) => JSON.stringify(v)).join();`,
  });
  for (const made_ of made.call("make")) assert.ok(made_ instanceof ArrayBuffer);
  assert.equal(made.call("take", new Uint8Array(4).buffer), true);
  assert.match(await made.call("encode"), /^\{"\$bytes":"YWI="\},\{"\$bytes":"YWJj"\},\{"\$bytes":"[^"]{44}"\},true$/);
});

test("errors of the platform and of the host are errors for functions", async (t) => {
  const made = await stage(t, {
    "a.ts": `
      declare const Convex: any;
      const caught = (f: () => unknown) => { try { f(); return null; } catch (e) { return e; } };
      class Own extends Error {}
      export const kinds = () => {
        const bad = caught(() => new URL("nonsense"));
        return [bad instanceof TypeError, bad instanceof Error, bad instanceof RangeError, bad instanceof Own, new Own() instanceof Own, new Own() instanceof Error, new Error() instanceof Own, [] instanceof (Error as any), caught(() => (null as any).x) instanceof TypeError];
      };
      export const syscalls = async () => {
        const sync = caught(() => Convex.syscall("1.0/x", "{}"));
        const js = await Convex.jsSyscall("1.0/y", {}).catch((e: unknown) => e);
        return [sync, js].map((e) => [e.constructor === Error, e.message]).join();
      };`,
  });
  assert.deepEqual([...made.call("kinds")], [true, true, false, false, true, true, false, false, true]);
  assert.equal(await made.call("syscalls"), "true,host refuses 1.0/x,true,host refuses 1.0/y");
});

test("a stack's frames are those of the sources, without the host's and the package's", async (t) => {
  const made = await stage(t, {
    "a.ts":
      'import { fail } from "./model/deep.ts";\n\nexport const run = () => {\n  const n: number = 3;\n  return fail(n);\n};\n',
    "model/deep.ts":
      "type T = { x: number };\nexport function fail(n: number): T {\n  throw new Error([n].join());\n}\n",
  });
  const error = (() => {
    try {
      made.call("run");
    } catch (caught) {
      return caught as Error;
    }
  })();
  assert.deepEqual(made.realm.mapStack(error?.stack ?? ""), [
    "    at fail (convex/model/deep.ts:3:9)",
    "    at Object.run (convex/a.ts:5:10)",
  ]);
});

test("a module that throws while it loads refuses the start, with its place", async (t) => {
  await assert.rejects(
    stage(t, { "a.ts": "export {};\n\nthrow new Error('too early');" }),
    /could not be loaded: too early\n[\s\S]*convex\/a\.ts:3/,
  );
  await assert.rejects(
    stage(t, { "a.ts": "export {};\nfetch('http://127.0.0.1:9/x'.repeat;" }),
    /could not be bundled/,
  );
  const config = "export default (() => { throw new Error('ISSUER is not set'); })();";
  await assert.rejects(
    stage(t, { "auth.config.ts": config }),
    /^Error: auth\.config\.ts could not be loaded: ISSUER is not set$/,
  );
  await assert.rejects(
    stage(t, { "schema.ts": "export const no = 1;" }),
    /schema\.ts must export its definition by default/,
  );
});

test("schemas, crons and providers are read where they are defined", async (t) => {
  const { realm } = await stage(
    t,
    {
      "schema.ts": `
        import { defineSchema, defineTable } from "convex/server";
        import { v } from "convex/values";
        export default defineSchema({ notes: defineTable({ text: v.string() }).index("by_text", ["text"]) });`,
      "crons.ts": `
        import { cronJobs, makeFunctionReference } from "convex/server";
        const crons = cronJobs();
        crons.interval("sweep", { minutes: 5 }, makeFunctionReference<"mutation">("a:sweep"), { n: 1 });
        export default crons;`,
      "auth.config.ts":
        "declare const process: any;\nexport default { providers: [{ type: 'customJwt', issuer: process.env.ISSUER, jwks: 'data:,x' }] };",
    },
    { ISSUER: "https://issuer.example" },
  );
  assert.match(realm.schemas.get("") ?? "", /"tableName":"notes".*"by_text"/);
  assert.deepEqual(JSON.parse(realm.crons.get("") ?? "{}"), {
    sweep: { name: "a:sweep", args: [{ n: 1 }], schedule: { minutes: 5, type: "interval" } },
  });
  assert.deepEqual(realm.authProviders, [{ type: "customJwt", issuer: "https://issuer.example", jwks: "data:,x" }]);
});

test("the console hands over level and values; a throw in a microtask is logged and ends nothing", async (t) => {
  const made = await stage(t, {
    "a.ts": `
      export const say = () => { console.log("a", { b: 1 }); console.warn("w"); console.error(1n); console.debug(); console.assert(false, "why"); console.assert(true); console.group("g"); console.groupEnd(); console.time("t"); console.timeEnd("t"); };
      export const stray = () => queueMicrotask(() => { throw new Error("in a microtask"); });`,
  });
  made.frozen = { nowMs: 1, seed: new Uint8Array(32) };
  made.call("say");
  assert.deepEqual(
    made.lines.map(
      ([level, values]) => `${level} ${JSON.stringify(values, (_, v) => (typeof v === "bigint" ? `${v}n` : v))}`,
    ),
    [
      'LOG ["a",{"b":1}]',
      'WARN ["w"]',
      'ERROR ["1n"]',
      "DEBUG []",
      'ERROR ["Assertion failed","why"]',
      'LOG ["g"]',
      'INFO ["t: 0ms"]',
    ],
  );
  made.call("stray");
  await new Promise(setImmediate);
  assert.match(String(made.lines.at(-1)?.[1][0]), /in a microtask/);
});

test("promises of the realm are told from those of the host", async (t) => {
  const { realm, call } = await stage(t, { "a.ts": "export const p = async () => 1;" });
  assert.equal(realm.owns(call("p")), true);
  assert.equal(realm.owns(Promise.resolve()), false);
});
