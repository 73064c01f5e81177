// What a Node process keeps, told by its own inspector after a full collection: what it uses jumps by a factor of three
// between two collections, which would hide any growth.
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import type { Running } from "../lib/process.ts";
import { VoidMeasurement } from "../lib/void.ts";

/** The inspector is opened by a signal, at any free port: until then the process runs as shipped. */
export const INSPECTOR_FLAG = "--inspect-port=127.0.0.1:0";

const OPEN_MS = 10_000;
const POLL_MS = 20;
const ANSWER_MS = 30_000;

export interface Inspector {
  /** Bytes that are still in use after a collection. */
  keptBytes(): Promise<number>;
  close(): void;
}

interface Answer {
  readonly id?: number;
  readonly result?: { readonly usedSize?: number };
}

/** @throws VoidMeasurement when the process was not started with the flag */
export async function openInspector(running: Running): Promise<Inspector> {
  process.kill(running.pid, "SIGUSR1");
  const socket = new WebSocket(await addressOf(running), { perMessageDeflate: false });
  let failure: Error | null = null;
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();
  const fail = (why: string): void => {
    failure ??= new VoidMeasurement(`the inspector of ${running.name}: ${why}`);
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  socket.on("close", () => fail("it closed"));
  socket.on("error", (error) => fail(error.message));
  socket.on("message", (data: Buffer) => {
    const answer = JSON.parse(data.toString()) as Answer;
    waiting.get(answer.id ?? 0)?.resolve(answer);
    waiting.delete(answer.id ?? 0);
  });
  const { promise: opened, resolve: open, reject: refuse } = Promise.withResolvers<void>();
  socket.once("open", open);
  socket.once("error", refuse);
  await opened;
  let calls = 0;
  const call = (method: string): Promise<Answer> => {
    if (failure !== null) return Promise.reject(failure);
    const answer = Promise.withResolvers<Answer>();
    waiting.set(++calls, answer);
    socket.send(JSON.stringify({ id: calls, method }));
    const late = setTimeout(() => fail(`no answer to ${method}`), ANSWER_MS);
    return answer.promise.finally(() => clearTimeout(late));
  };
  return {
    async keptBytes() {
      await call("HeapProfiler.collectGarbage");
      const { usedSize = 0 } = (await call("Runtime.getHeapUsage")).result ?? {};
      if (!(usedSize > 0)) throw new VoidMeasurement(`the inspector of ${running.name} told no heap`);
      return usedSize;
    },
    close: () => socket.close(),
  };
}

async function addressOf(running: Running): Promise<string> {
  const untilMs = performance.now() + OPEN_MS;
  while (performance.now() < untilMs) {
    const found = /^Debugger listening on (ws:\S+)$/m.exec(running.log())?.[1];
    if (found !== undefined) return found;
    await sleep(POLL_MS);
  }
  throw new VoidMeasurement(`${running.name} opened no inspector`);
}
