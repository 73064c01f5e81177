// The tutor socket (contract tutor-socket.md): handshake state, reader, queue, answers.
import { api } from "../../../convex/_generated/api.js";
import type { RawData, WebSocket } from "ws";
import { frames as contractFrames } from "../../contract/index.ts";
import { strain } from "../faults/processFaults.ts";
import { failureFields } from "../log.ts";
import type { UserIdentity } from "../routes/access.ts";
import type { Services } from "../services.ts";
import { type Channel, type createChannel, halfOpen, inboundFaults } from "../sockets/channel.ts";
import { accept, type Actor, createActor, type TutorSocket } from "./actor.ts";
import { loadContext } from "./context.ts";
import { errorEnvelope, questionEnvelope } from "./envelope.ts";
import { type Inbound, type QueuedFrame, readInbound } from "./frames.ts";
import { createRecentRows } from "./recentRows.ts";
import { readActions } from "./replay.ts";
import { type Answer, runFrame } from "./turn.ts";

const { ASIDE_FRAME_TYPES, TURN_FRAME_TYPES } = contractFrames;
const KNOWN_TYPES: ReadonlySet<string> = new Set([...ASIDE_FRAME_TYPES, ...TURN_FRAME_TYPES]);

/** What a handshake needs before the upgrade; null when the session is not the caller's. */
export interface Opening {
  readonly frames: readonly string[];
  readonly seed: Pick<Actor, "id" | "session" | "identity" | "logRows" | "userModel" | "recent">;
}

export interface TutorSurface {
  open(id: string, identity: UserIdentity): Promise<Opening | null>;
  attach(ws: WebSocket, channel: ReturnType<typeof createChannel>, opening: Opening, isStreaming: boolean): void;
  /** Closes the sockets of a deleted session. */
  closeSession(id: string): void;
}

export function createTutorSurface(services: Services): TutorSurface {
  const { store, metrics, faults, clock, queues, watches } = services;
  const actors = new Map<string, Actor>();

  async function open(id: string, identity: UserIdentity): Promise<Opening | null> {
    const opened = await store.query(api.turns.open, { id }, identity);
    if (!opened) return null;
    const context = loadContext(opened.contextJson, (field) => metrics.contextRepairs.labels({ field }).inc());
    const first = {
      type: "SESSION_INIT_STATE",
      chat_history: opened.messages.map(({ role, text, turnNo }) => ({ role, text, turn_no: turnNo })),
      whiteboard_actions_to_replay: await readActions(store, identity, id),
    };
    const question = questionEnvelope(context);
    const frames = [JSON.stringify(first), ...(question ? [JSON.stringify(question)] : [])];
    const { session, logRows } = opened;
    const recent = createRecentRows(opened.messages, opened.latestTurnNo, opened.revision);
    return { frames, seed: { id, session, identity, logRows, userModel: context.user_model_state, recent } };
  }

  function send(channel: Channel, answer: Answer): void {
    for (const frame of answer.frames) channel.sendText(frame, "envelope", true);
  }

  /** The waiting sockets of an id, each once; they are forgotten with the answer. */
  function audienceOf(actor: Actor, socket: TutorSocket, frame: QueuedFrame): Iterable<TutorSocket> {
    const audience = frame.clientMessageId === null ? undefined : actor.inFlight.get(frame.clientMessageId);
    if (!audience?.has(socket)) return [socket];
    actor.inFlight.delete(frame.clientMessageId ?? "");
    return audience;
  }

  function otherAsker(actor: Actor, socket: TutorSocket, frame: QueuedFrame): TutorSocket | undefined {
    const audience = [...(actor.inFlight.get(frame.clientMessageId ?? "") ?? [])];
    return audience.find((each) => each !== socket && !each.hasEnded && each.channel.isOpen);
  }

  async function work(actor: Actor, socket: TutorSocket, frame: QueuedFrame): Promise<void> {
    actor.waiting -= 1;
    // Frames of an ended socket are dropped, unless another socket waits for the same id.
    const asker = socket.hasEnded ? otherAsker(actor, socket, frame) : socket;
    if (!asker) {
      audienceOf(actor, socket, frame);
      return forgetIfIdle(actor);
    }
    const answer = await runFrame(services, actor, asker, frame);
    for (const each of audienceOf(actor, socket, frame)) if (!each.hasEnded) send(each.channel, answer);
    if (answer.ends) {
      asker.hasEnded = true;
      asker.channel.close(1000, "User ended session");
    }
    forgetIfIdle(actor);
  }

  function forgetIfIdle(actor: Actor): void {
    const isIdle = actor.sockets.size === 0 && actor.waiting === 0 && actor.inFlight.size === 0;
    if (!isIdle || actors.get(actor.id) !== actor) return;
    actors.delete(actor.id);
    actor.stopWatching();
  }

  function actorOf(seed: Opening["seed"]): Actor {
    const known = actors.get(seed.id);
    if (known) return known;
    const actor = createActor(seed);
    actors.set(seed.id, actor);
    // Deleted over another instance: its sockets here end as they do there.
    actor.stopWatching = watches.watch(actor, (watched) => {
      if (watched === null) services.closeSession(actor.id);
    });
    return actor;
  }

  function enqueue(actor: Actor, socket: TutorSocket, frame: QueuedFrame): void {
    if (services.isStopping() || socket.hasEnded) return;
    const acceptance = accept(actor, socket, frame);
    if (acceptance === "queue") {
      queues.enqueue(actor.id, () =>
        work(actor, socket, frame).catch((error: unknown) => {
          const { requestId } = socket.channel;
          services.log.error("turn failed", { requestId, surface: "tutor", ...failureFields(error) });
        }),
      );
    }
    if (acceptance !== "overflow") return;
    metrics.errors.labels({ surface: "tutor", code: "QUEUE_OVERFLOW" }).inc();
    const refused = JSON.stringify(errorEnvelope("QUEUE_OVERFLOW", actor.userModel));
    socket.channel.sendText(refused, "envelope", true);
  }

  function instant(socket: TutorSocket, type: string): void {
    const answer = type === "ping" ? "pong" : type === "heartbeat" ? "heartbeat_ack" : null;
    if (answer) socket.channel.sendText(JSON.stringify({ type: answer, timestamp: clock.now() }), answer, true);
  }

  function labelOf(inbound: Inbound): string {
    if (inbound.kind === "instant") return inbound.type;
    if (inbound.kind === "board") return "BOARD_STATE_RESPONSE";
    const { type } = inbound.frame;
    return type !== null && KNOWN_TYPES.has(type) ? type : "other";
  }

  function take(actor: Actor, socket: TutorSocket, inbound: Inbound): void {
    metrics.wsFrames.labels({ surface: "tutor", direction: "in", type: labelOf(inbound) }).inc();
    if (inbound.kind === "instant") instant(socket, inbound.type);
    else if (inbound.kind === "board") actor.board.answer(inbound.response);
    else enqueue(actor, socket, inbound.frame);
  }

  return {
    open,
    attach(ws, channel, { frames, seed }, isStreaming) {
      const actor = actorOf(seed);
      const socket: TutorSocket = { channel, isStreaming, hasEnded: false };
      actor.sockets.add(socket);
      ws.on("message", (data: RawData, isBinary: boolean) => {
        strain(faults, channel.at);
        if (inboundFaults(channel, faults) === "ignore") return;
        take(actor, socket, readInbound(isBinary ? null : (data as Buffer).toString("utf8")));
      });
      ws.on("close", () => {
        actor.sockets.delete(socket);
        forgetIfIdle(actor);
      });
      for (const frame of frames) channel.sendText(frame, "opening", true);
      halfOpen(channel, faults);
    },
    closeSession(id) {
      for (const { channel } of actors.get(id)?.sockets ?? []) channel.close(1000, "Session deleted");
    },
  };
}
