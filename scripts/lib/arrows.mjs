// The arrows of the house as data: who may import whom. `boundaries.mjs` enforces them; docs/architecture.md draws them.
//
// A room is reached through its `index.ts` only. `ports` names rooms of which only `ports.ts` may be imported,
// `portTypes` the same as types only, `paths` single files or folders outside the rooms.
export const CORE = [
  "kernel",
  "config",
  "flags",
  "metrics",
  "proxy",
  "shadow",
  "continuity",
  "rollout",
  "report",
  "console",
  "cli",
];
export const APPLICATION = ["contract", "platform", "convexBackend", "client", "modelStandIn"];
/** Stands alone and is reached by URL; only the composition root may start it. */
export const STANDALONE = ["convexHost"];

const base = ["kernel", "config", "metrics"];

export const ARROWS = {
  kernel: {},
  config: { rooms: ["kernel", "metrics"] },
  flags: { rooms: base },
  metrics: { rooms: ["kernel"] },
  proxy: { rooms: [...base, "flags"] },
  shadow: { rooms: base, ports: ["proxy", "continuity"] },
  continuity: { rooms: base },
  rollout: { rooms: [...base, "flags"], ports: ["shadow", "continuity"] },
  report: { rooms: ["kernel", "metrics"], ports: ["rollout", "shadow"] },
  console: { rooms: [...base, "flags", "report"], ports: ["proxy", "shadow", "continuity", "rollout"] },
  cli: { rooms: CORE.filter((room) => room !== "cli") },
  contract: { portTypes: CORE },
  platform: { rooms: ["contract", "client"], ports: CORE },
  convexBackend: { rooms: ["contract"], paths: ["convex/_generated/"] },
  convexHost: {},
  client: { rooms: ["contract"] },
  modelStandIn: {},
  convex: {},
  app: { rooms: [...CORE, ...APPLICATION, ...STANDALONE] },
  main: { rooms: [...CORE, ...APPLICATION], paths: ["src/app.ts"] },
  e2e: { rooms: [...CORE, ...APPLICATION], paths: ["src/app.ts"] },
  bench: { rooms: [...CORE, ...APPLICATION], paths: ["src/app.ts"] },
};

/** The only packages a room may import; rooms that are absent here may import any (see PACKAGES). Node's own count as `node:`. */
export const ROOM_PACKAGES = {
  kernel: ["node:"],
  contract: ["zod"],
  convex: ["convex", "convex-helpers"],
};

/** What tests may import on top, everywhere. */
export const TEST_PACKAGES = ["node:", "fast-check", "convex-test"];

/** Where a package may be imported; `oneFileOf`: by a single file of that room (house.md §6: two copies, two registries). */
export const PACKAGES = {
  "prom-client": { in: ["metrics"], oneFileOf: ["convexBackend"] },
  undici: { in: ["proxy", "shadow", "convexBackend", "bench", "e2e"] },
  "unleash-client": { in: ["flags"] },
  pg: { in: ["shadow"] },
  jsonwebtoken: { in: ["proxy", "shadow", "convexBackend", "e2e", "bench"] },
  commander: { in: ["cli", "platform", "app", "main", "bench"] },
  // The stand-in only in its tests: the client of the arms must understand its answers.
  openai: { in: ["convexBackend", "modelStandIn"] },
  "convex-test": { in: ["convex"] },
  "http-proxy": { in: ["bench"] },
  "http-proxy-3": { in: ["bench"] },
  httpxy: { in: ["bench"] },
  "@fastify/http-proxy": { in: ["bench"] },
  fastify: { in: ["bench"] },
  autocannon: { in: ["bench"] },
};
