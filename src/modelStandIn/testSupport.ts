// Requests as the arms build them (contract services.md §§1–2), for the tests of this room.
import { replyTo, type Reply } from "./reply.ts";
import { type Message, readChatRequest } from "./request.ts";

export const system = (content: string): Message => ({ role: "system", content });
export const user = (content: string): Message => ({ role: "user", content });
export const assistant = (content: string): Message => ({ role: "assistant", content });

export const RETRY_NOTE = system(
  "The last reply was not usable (not_json). Send one JSON object in the requested form.",
);

export const chatBody = (messages: readonly Message[], more: Readonly<Record<string, unknown>> = {}) => ({
  model: "gpt-4.1-2025-04-14",
  messages: messages.map(({ role, content }) => ({ role, content })),
  temperature: 0.7,
  ...more,
});

export const executorMessages = (message: string, ...after: readonly Message[]): Message[] => [
  system("#kind tutor.executor/1\nYou are a patient tutor."),
  user("earlier question"),
  assistant("earlier answer"),
  user(message),
  ...after,
];

export const kindMessages = (kind: string, input: unknown): Message[] => [
  system(`#kind ${kind}\nThe text of the kind.`),
  user(typeof input === "string" ? input : JSON.stringify(input)),
];

export const replyToMessages = (messages: readonly Message[]): Reply =>
  replyTo(readChatRequest(JSON.stringify(chatBody(messages))));

export interface ToolCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export const toolCall = (message: string, ...after: readonly Message[]): ToolCall =>
  JSON.parse(replyToMessages(executorMessages(message, ...after)).text) as ToolCall;
