/** How `main.ts` ends, for those who start it (embedded-convex §3.2). */
export const EXIT_CODES = {
  stopped: 0,
  /** The host's own failure: may be started again. */
  failed: 1,
  /** Command line, environment file, functions or schema: starting it again changes nothing. */
  config: 3,
  /** Another process has the port or the data directory. */
  inUse: 4,
} as const;
