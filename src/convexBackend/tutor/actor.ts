// One session's sockets and queue in memory. Holds nothing that the store does not have.
import type { Id } from "../../../convex/_generated/dataModel.js";
import { QUEUE_WAITING_MAX } from "../../contract/index.ts";
import type { Channel } from "../sockets/channel.ts";
import type { UserIdentity } from "../routes/access.ts";
import { type BoardRequests, createBoardRequests } from "./boardRequests.ts";
import type { QueuedFrame } from "./frames.ts";
import type { RecentRows } from "./recentRows.ts";
import type { UserModelState } from "./userModel.ts";

export interface TutorSocket {
  readonly channel: Channel;
  readonly isStreaming: boolean;
  /** True after `end_session`: what still waits of this socket is dropped. */
  hasEnded: boolean;
}

export interface Actor {
  readonly id: string;
  readonly session: Id<"sessions">;
  readonly identity: UserIdentity;
  readonly sockets: Set<TutorSocket>;
  readonly board: BoardRequests;
  /** Sockets that presented an id whose first frame still waits or runs. */
  readonly inFlight: Map<string, Set<TutorSocket>>;
  waiting: number;
  readonly recent: RecentRows;
  logRows: number;
  userModel: UserModelState;
  stopWatching: () => void;
}

export type ActorSeed = Pick<Actor, "id" | "session" | "identity" | "logRows" | "userModel" | "recent">;

export const createActor = (seed: ActorSeed): Actor => ({
  ...seed,
  sockets: new Set(),
  board: createBoardRequests(),
  inFlight: new Map(),
  waiting: 0,
  stopWatching: () => {},
});

export type Acceptance = "queue" | "overflow" | "attached";

/** Where an arriving frame goes: behind the first frame of the same id, into the queue, or nowhere. */
export function accept(actor: Actor, socket: TutorSocket, frame: QueuedFrame): Acceptance {
  const id = frame.type === null || !frame.isDataValid ? null : frame.clientMessageId;
  const first = id === null ? undefined : actor.inFlight.get(id);
  if (first) {
    first.add(socket);
    return "attached";
  }
  if (actor.waiting >= QUEUE_WAITING_MAX) return "overflow";
  actor.waiting += 1;
  if (id !== null) actor.inFlight.set(id, new Set([socket]));
  return "queue";
}
