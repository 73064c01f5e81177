// Where a whole board is worked on: small ones at once, large ones in a thread of their own, so that everybody else is
// served meanwhile (handoff §7.2 Y5). What a thread took of memory goes with it.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { BoardUnreadableError } from "../board/storage.ts";
import { type BoardAnswer, type BoardCall, buffersOf, perform, type Step } from "./boardCalls.ts";
import { BoardWork } from "./boardWork.ts";
import { createPlaces } from "./places.ts";

/** Up to here it takes less than starting a thread does. */
const IN_PLACE_BYTES_MAX = 1_048_576;
/** Each may take a core, and memory of some twenty times its board. */
const THREADS_MAX = 2;
const WAITING_MAX = 200;
/** Of one board, below what a relay waits for an answer: the largest takes some seconds. */
const THREAD_MS_MAX = 40_000;

/** The thread ended without an answer: trying again would end the same way. */
export class BoardNotDoneError extends Error {
  override readonly name = "BoardNotDoneError";
}

const threads = createPlaces(THREADS_MAX, WAITING_MAX);

/** Does a step of {@link BoardWork}. The bytes of `add` go to the thread and are empty afterwards. */
export type AskBoard = <S extends Step>(
  step: S,
  ...args: Parameters<BoardWork[S]>
) => Promise<ReturnType<BoardWork[S]>>;

export const bytesOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);

/** `bytes`: about how many the board has. @throws HttpError 503 when too many boards wait @throws BoardUnreadableError, BoardNotDoneError */
export function withBoard<T>(bytes: number, use: (ask: AskBoard) => Promise<T>): Promise<T> {
  return bytes <= IN_PLACE_BYTES_MAX ? use(askHere()) : threads.take(() => inThread(use));
}

function valueOf<T>(answer: BoardAnswer): T {
  if ("value" in answer) return answer.value as T;
  throw new BoardUnreadableError(`the board cannot be read: ${answer.failure}`);
}

function askHere(): AskBoard {
  const work = new BoardWork();
  return async (step, ...args) => valueOf(perform(work, { step, args }));
}

async function inThread<T>(use: (ask: AskBoard) => Promise<T>): Promise<T> {
  // The process's own flags (`--eval`, `--inspect`) are not meant for the thread.
  const worker = new Worker(new URL("./boardThread.ts", import.meta.url), { execArgv: [] });
  worker.unref();
  // One that comes while nobody asks; whoever asks next waits in vain, but not for long.
  worker.on("error", () => undefined);
  const signal = AbortSignal.timeout(THREAD_MS_MAX);
  const answerTo = async (call: BoardCall): Promise<BoardAnswer> => {
    try {
      worker.postMessage(call, call.step === "add" ? buffersOf(call.args[0]) : []);
      const [answer] = (await once(worker, "message", { signal })) as [BoardAnswer];
      return answer;
    } catch (cause) {
      throw new BoardNotDoneError("the board takes too much time or memory", { cause });
    }
  };
  try {
    return await use(async (step, ...args) => valueOf(await answerTo({ step, args })));
  } finally {
    await worker.terminate();
  }
}
