// The public face of the embedded host (Convex-compatible): it is started as a process and reached by URL.
export { EXIT_CODES } from "./exitCodes.ts";
export {
  type HostEvent,
  type HostProcess,
  type HostProcessOptions,
  HostStartFailed,
  runHostProgram,
  startHostProcess,
} from "./hostProcess.ts";
