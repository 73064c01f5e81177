import { randomUUID } from "node:crypto";
import { VoidMeasurement } from "../lib/void.ts";
import type { Backend } from "./backends.ts";
import { type Frames, openFrames } from "./frames.ts";

interface Envelope {
  readonly type?: string;
  readonly content_type?: string;
  readonly data?: { readonly explanation_text?: string };
}

export interface Tutor {
  /** A learner's message and the whole answer to it. */
  turn(): Promise<void>;
  close(): Promise<void>;
}

const read = async (frames: Frames): Promise<Envelope> => JSON.parse((await frames.next()).toString()) as Envelope;

/** A learner's socket, ready for turns. */
export async function openTutor({ name, url, tutorPath }: Backend, session: string, token: string): Promise<Tutor> {
  const frames = await openFrames(`${url}${tutorPath}${session}`, token);
  const { type } = await read(frames);
  if (type !== "SESSION_INIT_STATE") throw new VoidMeasurement(`${name} began a session with ${type}`);
  let turns = 0;
  return {
    async turn() {
      // Short enough for the stand-in to quote it whole.
      const text = `Turn ${++turns}: what is osmosis?`;
      frames.send(JSON.stringify({ type: "user_message", data: { text }, client_message_id: randomUUID() }));
      const { content_type: type, data } = await read(frames);
      if (type !== "explanation" || !data?.explanation_text?.includes(text)) {
        throw new VoidMeasurement(`${name} answered "${text}" with ${type}: ${JSON.stringify(data).slice(0, 200)}`);
      }
    },
    close: () => frames.close(),
  };
}
