// Public face of the contract room: what both ends of the wire, the suite and the proxy's plug share. Pure.
export * from "./canonicalJson.ts";
export * from "./codecs/index.ts";
export * from "./constants.ts";
export * from "./errorCodes.ts";
export * from "./errors.ts";
export * as frames from "./frames/index.ts";
export * from "./ids.ts";
export * from "./modelKeys.ts";
export * from "./models/index.ts";
export * from "./numbers.ts";
export * as rest from "./rest/index.ts";
export * from "./routes.ts";
export * from "./routeTable.ts";
export * from "./shadow/index.ts";
export * from "./sockets.ts";
export * from "./text.ts";
export * from "./time.ts";
