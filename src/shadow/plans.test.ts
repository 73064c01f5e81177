import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Config, RouteConfig, ShadowConfig, ShadowMode, ShadowRouteConfig, UnitConfig } from "../config/index.ts";
import { compilePlans } from "./plans.ts";
import type { MirrorEntry, MirrorMode } from "./ports.ts";
import { SHADOW } from "./serving/testing/mirrorConfig.ts";

const MODES = ["never", "read", "sandbox"] as const;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "*", "WS"];

const routeOf = (id: string, methods: readonly string[], codec = "raw"): RouteConfig =>
  ({ addressLimit: null, isLogout: false, id, methods, paths: [`/${id}`], codec }) as unknown as RouteConfig;

function plansOf(routes: readonly RouteConfig[], listed: readonly MirrorEntry[], shadow: Partial<ShadowConfig> = {}) {
  const unit = { id: "u", routes } as unknown as UnitConfig;
  const config = { units: new Map([["u", unit]]), shadow: { ...SHADOW, ...shadow } } as Pick<
    Config,
    "units" | "shadow"
  >;
  return compilePlans(config, listed);
}

const modesOf = (...args: Parameters<typeof plansOf>): Readonly<Record<string, MirrorMode>> =>
  Object.fromEntries([...plansOf(...args).values()].map(({ id, mode }) => [id, mode]));

test("shadow §3: what stands on no list is never mirrored, and a list counts only where it opts in", () => {
  const routes = [
    routeOf("read", ["GET"]),
    routeOf("write", ["POST"]),
    routeOf("login", ["POST"]),
    routeOf("other", ["GET"]),
    routeOf("talk", ["WS"], "talk"),
  ];
  const listed: readonly MirrorEntry[] = [
    { on: ["read"], mode: "read" },
    { on: ["POST /write", "talk"], mode: "sandbox" },
  ];
  const denied = { read: "read", write: "never", login: "never", other: "never", talk: "never" };
  assert.deepEqual(modesOf(routes, listed), denied);
  const opted = { ...denied, write: "sandbox", talk: "sandbox" };
  assert.deepEqual(modesOf(routes, listed, { modes: { u: "sandbox" } }), opted);
  assert.deepEqual(Object.values(modesOf(routes, listed, { modes: { u: "never" } })), Array(5).fill("never"));
  const plans = plansOf(routes, listed, { modes: { u: "sandbox" } });
  assert.ok(
    [...plans.values()].every(({ isStateful }) => isStateful),
    "shadow W3: one is enough for all",
  );
});

test("of a unit that the application does not know every GET may be read twice, and nothing else without sandbox", () => {
  const routes = [routeOf("a", ["GET"]), routeOf("b", ["POST"]), routeOf("c", ["GET", "POST"]), routeOf("d", ["*"])];
  assert.deepEqual(modesOf(routes, []), { a: "read", b: "never", c: "never", d: "never" });
  const sandbox = { a: "read", b: "sandbox", c: "sandbox", d: "sandbox" };
  assert.deepEqual(modesOf(routes, [], { modes: { u: "sandbox" } }), sandbox);
  assert.deepEqual(modesOf([routeOf("s", ["WS"], "opaque")], [], { modes: { u: "sandbox" } }), { s: "never" });
});

test("no shadow is configured, nothing is planned", () => {
  const unit = { id: "u", routes: [routeOf("a", ["GET"])] } as unknown as UnitConfig;
  assert.equal(compilePlans({ units: new Map([["u", unit]]), shadow: null }, []).size, 0);
});

test("whatever is listed and configured, nothing unsafe is ever read, and without sandbox no write is mirrored", () => {
  const mode: fc.Arbitrary<ShadowMode> = fc.constantFrom(...MODES);
  const ids = ["a", "b", "c"];
  const methods = fc.subarray(METHODS, { minLength: 1, maxLength: 3 });
  const own = fc.record({ mode: fc.option(mode), sample: fc.option(fc.nat(100)) });
  fc.assert(
    fc.property(
      fc.array(methods, { minLength: 3, maxLength: 3 }),
      fc.array(fc.record({ on: fc.subarray([...ids, "x"], { minLength: 1 }), mode })),
      fc.option(mode),
      fc.array(own, { minLength: 3, maxLength: 3 }),
      fc.option(mode),
      (all, listed, ofUnit, owns, surface) => {
        const routes = all.map((one, at) => routeOf(ids[at] as string, one, "x"));
        const ownRoutes = owns.map((one, at): ShadowRouteConfig => {
          const { mode: ownMode, sample } = one;
          return { ...OWN, route: ids[at] as string, mode: ownMode, samplePercent: sample };
        });
        const fields = { codec: "json", type: "t", correlation: null, final: null, presence: [] } as const;
        const plans = plansOf(routes, listed, {
          modes: ofUnit === null ? {} : { u: ofUnit },
          routes: ownRoutes,
          surfaces: surface === null ? {} : { x: { ...fields, mode: surface } },
        });
        for (const [at, plan] of [...plans.values()].entries()) {
          const isSafe = plan.methods.every((one) => one === "GET" || one === "HEAD");
          if (plan.mode === "read") assert.ok(isSafe, `${plan.methods.join("|")} is read`);
          const hasOpted = ofUnit === "sandbox" || owns[at]?.mode === "sandbox";
          const isMirrored = plan.mode === "sandbox" && !isSafe;
          if (isMirrored) assert.ok(hasOpted || (surface === "sandbox" && plan.surface !== null));
          if (plan.mode === "sandbox") assert.ok(plan.isStateful);
          assert.ok(plan.samplePercent <= 100);
        }
      },
    ),
  );
});

test("shadow §3: login, refresh and logout are never mirrored, whatever the configuration wants", () => {
  const login = { ...routeOf("login", ["POST"]), addressLimit: "login" as const };
  const logout = { ...routeOf("logout", ["POST"]), isLogout: true };
  const wanted = ["login", "logout"].map((route) => ({ ...OWN, route, mode: "sandbox" as const }));
  const modes = { u: "sandbox" as const };
  assert.deepEqual(modesOf([login, logout], [], { modes, routes: wanted }), { login: "never", logout: "never" });
});

const OWN: Omit<ShadowRouteConfig, "route" | "mode"> = {
  samplePercent: null,
  tapBytes: 1,
  copiesPerMinute: 1,
  mayCarryCookies: false,
  bodies: "shape",
  limitRatio: null,
};
