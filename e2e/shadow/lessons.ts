// What students do in a lesson, as scripted journeys over the slice that both arms serve.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as Y from "yjs";
import { call, eventually, type Json, openSocket, type User } from "../support/index.ts";
import type { LessonsWorld } from "./lessonsWorld.ts";

export interface Journey {
  /** Calls that were made, and conversations. */
  readonly calls: number;
  readonly conversations: number;
}

const QUESTION = {
  question: "What moves?",
  options: ["Water", "Salt", "Air", "Light"],
  correct_answer_index: 0,
  explanation: "Water moves.",
  difficulty: "easy",
  related_section: "Osmosis",
};
const TOOLS: readonly (readonly [string, object])[] = [
  ["explain", { text: "Because it is so, and not otherwise." }],
  ["draw_text", { text: "T", x: 1.5, y: 2 }],
  ["ask_question", { question_data: QUESTION }],
];

export class Student {
  readonly #world: LessonsWorld;
  readonly #user: User;
  calls = 0;
  conversations = 0;

  constructor(world: LessonsWorld, user: User) {
    this.#world = world;
    this.#user = user;
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const type = text === undefined ? {} : { "content-type": "application/json" };
    const authorization = `Bearer ${this.#user.token}`;
    this.calls += 1;
    return call(this.#world.proxy.baseUrl, {
      method,
      path,
      headers: { authorization, ...type, ...headers },
      body: text,
    });
  }

  /** The group is in the sample from its first seed on (shadow J1). */
  async arrive(): Promise<void> {
    await this.ask("GET", "/api/v1/folders/");
  }

  /** Folders and sessions, looked at from everywhere, with mistakes in between. */
  async office(nr: number): Promise<string> {
    const made = await this.ask("POST", "/api/v1/folders/", {
      name: `Folder ${nr} é😀`,
      knowledge_base: "What is known.",
    });
    assert.equal(made.status, 201, made.text);
    const folder = made.json().id as string;
    await this.ask("GET", `/api/v1/folders/${folder}`);
    await this.ask("PATCH", `/api/v1/folders/${folder}`, { name: `Renamed ${nr}` });
    await this.ask("GET", "/api/v1/folders/");
    await this.ask("POST", "/api/v1/folders/", { name: "" });
    await this.ask("POST", "/api/v1/folders/", { name: 7 });
    await this.ask("GET", "/api/v1/folders/00000000-0000-4000-8000-000000000000");
    const opened = await this.ask("POST", "/api/v1/sessions", { folder_id: folder });
    assert.equal(opened.status, 201, opened.text);
    const session = opened.json().session_id as string;
    await this.ask("GET", `/api/v1/sessions/${session}`);
    await this.ask("GET", "/api/v1/sessions?limit=2");
    await this.ask("GET", "/api/v1/sessions/nothing");
    return session;
  }

  async lesson(session: string, turns: number): Promise<void> {
    const socket = await openSocket(this.#socketUrl(`/ws/v2/session/${session}?stream=1`), this.#authorized());
    this.conversations += 1;
    const envelope = async (): Promise<Json> => {
      for (;;) {
        const frame = await socket.nextJson(15_000);
        if (frame.content_type !== undefined) return frame;
      }
    };
    await socket.nextJson(15_000);
    for (let turn = 0; turn < turns; turn++) {
      const [tool, args] = TOOLS[turn % TOOLS.length] as (typeof TOOLS)[number];
      const message = turn % 2 === 0 ? `Please tell me about step ${turn}.` : `!tool=${tool} ${JSON.stringify(args)}`;
      const data = { text: message };
      socket.send(JSON.stringify({ type: "user_message", data, client_message_id: `${session}/${turn}` }));
      if (turn === 1) socket.send(JSON.stringify({ type: "ping" }));
      const answer = await envelope();
      assert.notEqual(answer.content_type, "error", JSON.stringify(answer).slice(0, 300));
    }
    socket.send(JSON.stringify({ type: "user_message", data: {} }));
    assert.equal((await envelope()).content_type, "error");
    await sleep(50);
    await socket.close(1000);
  }

  /** Two sockets on one board, which see each other's objects. */
  async board(session: string, objects: number, lingerMs = 2_500): Promise<void> {
    const path = `/ws/v2/session/${session}/whiteboard`;
    const clients = await Promise.all(
      [0, 1].map(async (nr) => {
        const socket = await openSocket(this.#socketUrl(path), this.#authorized());
        this.conversations += 1;
        const doc = new Y.Doc();
        Y.applyUpdate(doc, (await socket.next(15_000)).data, "server");
        doc.on("update", (update: Uint8Array, origin: unknown) => {
          if (origin !== "server") socket.sendBinary(update);
        });
        socket.socket.on("message", (data: Buffer) => Y.applyUpdate(doc, data, "server"));
        return { nr, socket, doc };
      }),
    );
    for (let at = 0; at < objects; at++) {
      for (const { nr, doc } of clients) {
        const spec = {
          id: `${nr}-${at}`,
          kind: "rect",
          x: at,
          y: nr,
          width: 5,
          height: 5,
          metadata: { source: "user" },
        };
        doc.getMap("objects").set(spec.id, spec);
      }
      await sleep(20);
    }
    clients[0]?.doc.getMap("objects").delete("0-0");
    await eventually(() => {
      const [one, other] = clients.map(({ doc }) => JSON.stringify(doc.getMap("objects").toJSON()).length);
      assert.equal(one, other, "both see the same");
    });
    await sleep(lingerMs);
    await Promise.all(clients.map(({ socket }) => socket.close(1000)));
  }

  async review(session: string): Promise<void> {
    for (const part of ["messages", "interactions", "board_summary", "board_insights", "whiteboard_snapshot", "jobs"]) {
      await this.ask("GET", `/api/v1/sessions/${session}/${part}`);
    }
    await this.ask("GET", `/api/v1/sessions/${session}/whiteboard_state_at_turn?target_snapshot_index=0`);
    await this.ask("POST", `/api/v1/sessions/${session}/log/summary`, { summary: "It was good." });
  }

  /** The same write again, as a client does that got no answer: it has one effect. */
  async twice(): Promise<void> {
    const key = { "Idempotency-Key": randomUUID() };
    for (let again = 0; again < 2; again++) {
      const made = await this.ask("POST", "/api/v1/folders/", { name: "Once" }, key);
      assert.equal(made.status, 201, made.text);
    }
    await this.ask("GET", "/api/v1/folders/");
  }

  /** At what is not theirs. */
  async look(session: string): Promise<void> {
    await this.arrive();
    await sleep(4_000);
    assert.notEqual((await this.ask("GET", `/api/v1/sessions/${session}/messages`)).status, 200);
  }

  async tidy(session: string): Promise<void> {
    await this.ask("DELETE", `/api/v1/sessions/${session}`);
    await this.ask("GET", `/api/v1/sessions/${session}`);
  }

  #socketUrl(path: string): string {
    return `${this.#world.proxy.baseUrl.replace("http", "ws")}${path}`;
  }

  #authorized() {
    return { headers: { authorization: `Bearer ${this.#user.token}` } };
  }
}
