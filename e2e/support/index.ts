export { adminOf, metricSum } from "./admin.ts";
export type { Admin } from "./admin.ts";
export {
  SERVICE_TOKEN,
  TEST_SECRET,
  candidateSpec,
  controlSpec,
  startCandidate,
  startControl,
  startStandIn,
  temporaryDir,
} from "./arms.ts";
export type { ArmOptions } from "./arms.ts";
export { eventually } from "./deadline.ts";
export { call } from "./http.ts";
export type { Call, Reply } from "./http.ts";
export { CANONICAL_UUID, derivedId, derivedId8, keyedId, nonce, spellings } from "./ids.ts";
export { canonicalJson, round } from "./json.ts";
export type { Json } from "./json.ts";
export { startModelRecorder } from "./modelRecorder.ts";
export type { RecordedCall } from "./modelRecorder.ts";
export type { ScriptedReply } from "./modelScript.ts";
export { REPOSITORY } from "./paths.ts";
export { startPostgres } from "./postgres.ts";
export type { Postgres } from "./postgres.ts";
export { startProxy } from "./proxy.ts";
export type { Proxy, ProxyOptions } from "./proxy.ts";
export { launch, stopAll } from "./process.ts";
export type { Exit, Launched, Service, ServiceSpec } from "./process.ts";
export { startShadowWorld } from "./shadow.ts";
export type { ShadowWorld, ShadowWorldOptions } from "./shadow.ts";
export type { Found, Kept, Sampled } from "./shadowSight.ts";
export { accessClaims, createIssuer, readClaims, signHs256 } from "./tokens.ts";
export type { Claims, Issuer, User } from "./tokens.ts";
export { openSocket, refusedHandshake } from "./wsClient.ts";
export type { Closed, Frame, Refusal, Socket, SocketOptions } from "./wsClient.ts";
