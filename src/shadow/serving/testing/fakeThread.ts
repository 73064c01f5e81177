// A program for both threads that says back what it is told, and does what a test asks it to.
import { existsSync, writeFileSync } from "node:fs";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";

const { thread, file } = workerData as { thread: string; file: string };
let peer: MessagePort | null = null;
const say = (what: string): void =>
  parentPort?.postMessage({ type: "event", event: `${thread} ${what}`, level: "info", fields: {} });

parentPort?.on(
  "message",
  (message: { type: string; port?: MessagePort; event?: string; builds?: unknown; units?: unknown }) => {
    if (message.type === "die") throw new Error("poison");
    if (message.type === "peer") {
      peer = message.port ?? null;
      peer?.on("message", (text: string) => say(`heard ${text}`));
      say("peer");
    } else if (message.type === "shout") peer?.postMessage(`from ${thread}`);
    else if (message.type === "builds") {
      say(`builds ${JSON.stringify(message.builds)}`);
      if (thread === "compare" && Object.keys(message.builds ?? {}).length > 0 && file !== "" && !existsSync(file)) {
        writeFileSync(file, "dies once");
        setTimeout(() => {
          throw new Error("poison");
        }, 50);
      }
    } else if (message.type === "groups") say(`groups ${JSON.stringify(message.units)}`);
    else if (message.type === "missed") say(`missed ${JSON.stringify({ ...message, type: undefined })}`);
    else if (message.type === "settings") {
      say("settings");
      if (thread === "mirror") parentPort?.postMessage({ type: "builds", builds: { control: "c1", candidate: "k1" } });
    } else if (message.type === "stop") {
      // A moment, as a store needs it.
      setTimeout(() => {
        parentPort?.postMessage({ type: "stopped" });
        parentPort?.close();
        peer?.close();
      }, 50);
    } else say(message.type);
  },
);
say("up");
