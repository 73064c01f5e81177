// The cassette as a process of its own, before the provider named on the command line.
import { modelCallKey } from "../../src/contract/index.ts";
import { systemClock } from "../../src/kernel/index.ts";
import { createCassette } from "../../src/shadow/index.ts";

const [, , provider = ""] = process.argv;
const HERE = { host: "127.0.0.1", port: 0 };
const cassette = createCassette({
  provider,
  record: HERE,
  replay: HERE,
  keyOf: modelCallKey,
  clock: systemClock,
  counters: { replayed: () => undefined, dropped: () => undefined },
  log: () => undefined,
});
const { recordUrl } = await cassette.start();
process.stdout.write(`${JSON.stringify({ msg: "listening", recordUrl })}\n`);
