// Public face of the completion cassette.
export { type Cassette, type CassetteAddresses, type CassetteOptions, createCassette } from "./cassette.ts";
export type { CassetteLimits } from "./limits.ts";
export type { ListenAddress } from "./listener.ts";
export type { MissPage } from "./missLog.ts";
export type {
  CassetteCounters,
  CassetteDrop,
  CassetteLog,
  CassetteMiss,
  MissReason,
  ModelCall,
  ModelKey,
  ModelKeyOf,
  ModelParts,
  NearestRecording,
  ReplayOutcome,
  RequestDifference,
} from "./ports.ts";
export { readMisses, whyNoMisses } from "./missClient.ts";
