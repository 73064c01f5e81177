import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import { HandshakeRefused, SocketLost } from "./socket.ts";
import { openTutor } from "./tutorClient.ts";

type Frame = Record<string, unknown>;
/** What the server does with each frame of the test at hand. */
let onFrame: (frame: Frame, reply: (frame: Frame) => void, socket: WebSocket) => void = () => {};
let http: Server;
let url: string;

before(async () => {
  const sockets = new WebSocketServer({ noServer: true });
  http = createServer();
  http.on("upgrade", (request, socket, head) => {
    if (request.headers.authorization !== "Bearer good") {
      socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      const reply = (frame: Frame): void => client.send(JSON.stringify(frame));
      reply({ type: "SESSION_INIT_STATE", chat_history: [], whiteboard_actions_to_replay: [] });
      client.on("message", (data: Buffer) => onFrame(JSON.parse(data.toString("utf8")) as Frame, reply, client));
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws/v2/session/x?stream=1`;
});
after(() => {
  http.closeAllConnections();
  http.close();
});

const explanation = (text: string): Frame => ({
  content_type: "explanation",
  data: { explanation_text: text },
  whiteboard_actions: null,
  turn_id: "x:1",
});
const open = (board: readonly unknown[] = []) => openTutor({ url, token: "good", board: () => board });

describe("tutor client", () => {
  test("resolves with the envelope of its frame, and finds streamed text whole", async () => {
    onFrame = (frame, reply) => {
      if (frame["type"] !== "user_message") return;
      for (const delta of ["Plants ", "eat ", "light."]) reply({ type: "raw_delta", turn_id: "x:1", seq: 0, delta });
      reply(explanation("Plants eat light."));
    };
    const tutor = await open();
    const envelope = await tutor.ask({ type: "user_message", data: { text: "?" } });
    assert.equal(envelope.data["explanation_text"], "Plants eat light.");
    assert.equal(tutor.broken, 0);
    tutor.close();
  });

  test("text that was streamed but is not in the envelope is noticed; a reset voids what came before", async () => {
    onFrame = (frame, reply) => {
      const { text } = frame["data"] as { text: string };
      reply({ type: "raw_delta", turn_id: "x:1", seq: 0, delta: "wrong" });
      if (text === "reset") reply({ type: "raw_reset", turn_id: "x:1", seq: 1 });
      reply({ type: "raw_delta", turn_id: "x:1", seq: 2, delta: "right" });
      reply(explanation("right"));
    };
    const tutor = await open();
    await tutor.ask({ type: "user_message", data: { text: "reset" } });
    assert.equal(tutor.broken, 0);
    await tutor.ask({ type: "user_message", data: { text: "no reset" } });
    assert.equal(tutor.broken, 1);
    tutor.close();
  });

  test("shows its board when the tutor asks for it in the middle of a turn", async () => {
    onFrame = (frame, reply) => {
      if (frame["type"] === "user_message") reply({ type: "REQUEST_BOARD_STATE", request_id: "r1" });
      if (frame["type"] === "BOARD_STATE_RESPONSE")
        reply(explanation(JSON.stringify([frame["request_id"], frame["payload"]])));
    };
    const tutor = await open([{ id: "note" }]);
    const envelope = await tutor.ask({ type: "user_message", data: { text: "?" } });
    assert.equal(envelope.data["explanation_text"], '["r1",[{"id":"note"}]]');
    tutor.close();
  });

  test("a question repeated at connect is not taken for the answer", async () => {
    onFrame = (_frame, reply) => {
      reply({ content_type: "question", data: { question_id: "old" }, whiteboard_actions: null });
      reply(explanation("the answer"));
    };
    const tutor = await open();
    assert.equal((await tutor.ask({ type: "next" })).content_type, "explanation");
    tutor.close();
  });

  test("a close while waiting is a lost socket with its code, and asking again says so at once", async () => {
    onFrame = (_frame, _reply, socket) => socket.close(1012, "moved");
    const tutor = await open();
    const isLost = (error: unknown): boolean => error instanceof SocketLost && error.code === 1012;
    await assert.rejects(tutor.ask({ type: "next" }), isLost);
    await assert.rejects(tutor.ask({ type: "next" }), isLost);
  });

  test("a refused handshake carries its status", async () => {
    await assert.rejects(
      openTutor({ url, token: "bad", board: () => [] }),
      (error: unknown) => error instanceof HandshakeRefused && error.status === 401,
    );
  });

  test("nobody there is a lost socket, not a crash", async () => {
    await assert.rejects(openTutor({ url: "ws://127.0.0.1:9/", token: "good", board: () => [] }), SocketLost);
  });
});
