import type { Socket, SocketOptions } from "../../support/index.ts";

/** The part of a context that the socket clients need. */
export interface Opener {
  readonly tutorPath: (session: string) => string;
  readonly boardPath: (session: string) => string;
  readonly open: (path: string, options?: SocketOptions) => Promise<Socket>;
}
