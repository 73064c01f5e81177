// The thread of one large board (largeBoards.ts): does what it is told, step by step.
import { parentPort } from "node:worker_threads";
import { type BoardCall, buffersOf, perform } from "./boardCalls.ts";
import { BoardWork } from "./boardWork.ts";

const work = new BoardWork();
parentPort?.on("message", (call: BoardCall) => {
  const answer = perform(work, call);
  parentPort?.postMessage(answer, "value" in answer ? buffersOf(answer.value) : []);
});
