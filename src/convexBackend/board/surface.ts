// The whiteboard socket (contract whiteboard-socket.md): raw Yjs updates, relayed and stored.
import type { RawData, WebSocket } from "ws";
import { api } from "../../../convex/_generated/api.js";
import { strain } from "../faults/processFaults.ts";
import type { Faultable, Switchboard } from "../faults/switchboard.ts";
import { failureFields } from "../log.ts";
import type { UserIdentity } from "../routes/access.ts";
import type { Services } from "../services.ts";
import { type createChannel, halfOpen, inboundFaults } from "../sockets/channel.ts";
import type { Peer, RelayFaults, Room } from "./boards.ts";

type SocketChannel = ReturnType<typeof createChannel>;

export interface WhiteboardSurface {
  /** Takes over an accepted socket: ownership, first frame, relay. */
  attach(ws: WebSocket, channel: SocketChannel, id: string, identity: UserIdentity): Promise<void>;
  closeSession(id: string): void;
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = copy.length >> 1;
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}

const relayFaults = (faults: Switchboard, at: Faultable): RelayFaults => ({
  relayed(bytes) {
    if (faults.fire("lost-yjs-update", at)) return null;
    return faults.fire("corrupt-yjs", at) ? flipped(bytes) : bytes;
  },
});

export function createWhiteboardSurface(services: Services): WhiteboardSurface {
  const { store, boards, faults, metrics, log } = services;
  const peersOf = new Map<string, Set<Peer>>();

  function receive(channel: SocketChannel, room: Room, peer: Peer, bytes: Uint8Array): void {
    metrics.wsFrames.labels({ surface: "whiteboard", direction: "in", type: "update" }).inc();
    const isUnsaved = faults.fire("unsaved-yjs-update", channel.at) !== null;
    const outcome = room.receive(bytes, peer, { isUnsaved, hook: relayFaults(faults, channel.at) });
    if (outcome === "too_large") channel.close(1009, "Document too large");
    if (outcome === "applied" && faults.fire("echo-yjs", channel.at)) channel.sendBytes(bytes);
  }

  function remember(id: string, peer: Peer): () => void {
    const peers = peersOf.get(id) ?? new Set<Peer>();
    peersOf.set(id, peers.add(peer));
    return () => {
      peers.delete(peer);
      if (peers.size === 0 && peersOf.get(id) === peers) peersOf.delete(id);
    };
  }

  function relay(ws: WebSocket, channel: SocketChannel, room: Room, peer: Peer): void {
    ws.on("message", (data: RawData, isBinary: boolean) => {
      strain(faults, channel.at);
      if (inboundFaults(channel, faults) === "ignore") return;
      if (isBinary) receive(channel, room, peer, data as Buffer);
      else channel.close(1003, "Binary frames only");
    });
  }

  return {
    async attach(ws, channel, id, identity) {
      // Nothing is read until the document is there: its state is the first frame.
      ws.pause();
      const peer: Peer = { send: (bytes) => channel.sendBytes(bytes), close: (code, why) => channel.close(code, why) };
      let room: Room | null = null;
      let hasClosed = false;
      const forget = remember(id, peer);
      ws.on("close", () => {
        hasClosed = true;
        forget();
        room?.leave(peer);
      });
      try {
        const found = await store.query(api.sessions.access, { id }, identity);
        if (found.access !== "own") {
          ws.resume();
          return channel.close(4403, "Session not owned");
        }
        room = await boards.join({ id, session: found.session, identity }, peer);
      } catch (error) {
        log.error("board not opened", { requestId: channel.requestId, surface: "whiteboard", ...failureFields(error) });
        ws.resume();
        return channel.close(1011, "Internal error");
      }
      if (hasClosed) return room.leave(peer);
      channel.sendBytes(room.state());
      relay(ws, channel, room, peer);
      ws.resume();
      halfOpen(channel, faults);
    },
    closeSession(id) {
      boards.drop(id);
      for (const peer of peersOf.get(id) ?? []) peer.close(1000, "Session deleted");
    },
  };
}
