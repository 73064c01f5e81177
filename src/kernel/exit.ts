/** Exit codes of every process and command (ux.md §3). */
export const EXIT = {
  fine: 0,
  finding: 1,
  usage: 2,
  configuration: 3,
  unreachable: 4,
  rolledBack: 5,
  internal: 70,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
