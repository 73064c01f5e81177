// A process that writes until it is killed, and says which writes it was told are durable. Run by commitQueue.test.ts.
import { writeSync } from "node:fs";
import { createCommitQueue } from "../commitQueue.ts";
import { createSqliteStore } from "../sqliteStore.ts";
import { queryOf } from "./tempStore.ts";

const [mode = "", file = ""] = process.argv.slice(2);
const store = createSqliteStore(file, { clock: Date.now });
const queue = createCommitQueue(store, { clock: Date.now });
/** At once, even if the process is killed right after it. */
const say = (line: string) => void writeSync(1, `${line}\n`);

/** One document more, and the same number in a counter: both or none. */
async function add(name: string, text = ""): Promise<void> {
  await queue.run(async (transaction) => {
    transaction.insert("", "items", { name, text });
    const query = transaction.openQuery("", queryOf("counters"));
    const counter = transaction.nextOf(query);
    if (counter === null) transaction.insert("", "counters", { count: 1 });
    else transaction.patch("", "counters", counter._id, { count: Number(counter["count"]) + 1 });
  }, true);
}

if (mode === "until killed") {
  const writer = async (part: number) => {
    for (let n = 0; ; n++) {
      const name = `${process.pid}-${part}-${n}`;
      await add(name);
      say(name);
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, part) => writer(part)));
} else {
  // Under a limit of the size of files: the system refuses to make the log longer.
  await add("small");
  const failed = await Promise.allSettled([add("large", "x".repeat(900_000)), add("beside it")]);
  for (const outcome of failed) say(outcome.status === "rejected" ? (outcome.reason as Error).name : "stored");
  say(queue.notReady() === null ? "ready" : "not ready");
  const { value } = await queue.run(async (transaction) => transaction.count("", "items"), false);
  say(`${value} readable`);
}
