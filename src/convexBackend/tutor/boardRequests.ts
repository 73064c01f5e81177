// O4 and its answer (contract tutor-socket.md §8): any socket of the session may answer, late answers are ignored.
import { type BoardStateResponse, boardPayload } from "./frames.ts";
import { TurnError } from "./executor.ts";

const WAIT_MS = 20_000;

export interface BoardRequests {
  ask(requestId: string, signal: AbortSignal, send: () => void): Promise<readonly unknown[]>;
  answer(response: BoardStateResponse): void;
}

export function createBoardRequests(waitMs = WAIT_MS): BoardRequests {
  const waiting = new Map<string, (response: BoardStateResponse) => void>();
  return {
    ask: (requestId, signal, send) =>
      new Promise((resolve, reject) => {
        const settle = (end: () => void): void => {
          clearTimeout(timer);
          signal.removeEventListener("abort", onAbort);
          waiting.delete(requestId);
          end();
        };
        const onAbort = (): void => settle(() => reject(signal.reason as Error));
        const timer = setTimeout(() => settle(() => reject(new TurnError("BOARD_STATE_TIMEOUT"))), waitMs);
        signal.addEventListener("abort", onAbort);
        waiting.set(requestId, (response) => {
          const payload = boardPayload(response);
          settle(() => (payload ? resolve(payload) : reject(new TurnError("BOARD_STATE_ERROR"))));
        });
        send();
      }),
    answer(response) {
      if (typeof response.requestId === "string") waiting.get(response.requestId)?.(response);
    },
  };
}
