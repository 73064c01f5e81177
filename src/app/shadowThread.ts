// Program of the shadow's two threads: the core's, with the tutoring platform's rules, codecs and ways to its data.
import { setTimeout as pause } from "node:timers/promises";
import { SHADOW } from "../contract/index.ts";
import { createStateCarrier } from "../platform/index.ts";
import { runShadowThread } from "../shadow/index.ts";

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  pause(ms, undefined, { signal }).catch(() => undefined);

runShadowThread(SHADOW, ({ urls, tokens, target }) => createStateCarrier({ urls, token: tokens, target, sleep }));
