// The completion cassette (shadow §12). Only connected to: a call to `record` would be one to the model provider.
import { connect } from "node:net";
import type { ListenAddress } from "../../config/index.ts";
import { readMisses, whyNoMisses } from "../../shadow/index.ts";
import { type CheckSource, fail, ok } from "./check.ts";

const CONNECT_MS = 2_000;
/** Whoever asks behind it gets an empty page. */
const BEHIND_ALL = 999_999_999_999;
const MODES: Readonly<Record<string, string>> = {
  true: "lets shadow targets ask the models themselves",
  false: "answers shadow targets from recordings",
};

export const cassetteChecks: CheckSource = ({ config }) => {
  const cassette = config.shadow?.cassette ?? null;
  if (cassette === null) return [];
  const { record, replay, isLive } = cassette;
  const start = 'Start it with "switchyard cassette".';
  return [
    {
      name: "cassette, record",
      async ask() {
        const failure = await failureOf(record);
        // shadow K1: the one place where the shadow's machinery stands on a served path.
        const role = "it stands on a served path: both arms' model calls go through it";
        if (failure === null) return ok(`${textOf(record)} answers; ${role}`);
        return fail(`${textOf(record)} does not answer (${failure}); ${role}, so that both lose their models`, start);
      },
    },
    {
      name: "cassette, replay",
      async ask() {
        const failure = await failureOf(replay);
        if (failure === null) return ok(`${textOf(replay)} answers`);
        return fail(`${textOf(replay)} does not answer (${failure}): shadow targets have no models`, start);
      },
    },
    {
      name: "cassette, misses",
      async ask() {
        const found = await readMisses(cassette, BEHIND_ALL, AbortSignal.timeout(CONNECT_MS)).catch(whyNoMisses);
        if (typeof found === "string") {
          const fix =
            "Give it the variable with the token by --misses-token-env, and name it in shadow.cassette.missesTokenEnv.";
          return fail(`${textOf(replay)} does not tell its misses: ${found}; model requests are not compared`, fix);
        }
        if (found.live === isLive) return ok(`what it has no recording of is told; it ${MODES[String(found.live)]}`);
        const fix = isLive
          ? "Start it with --live-tokens, or leave out shadow.cassette.live."
          : "Start it without --live-tokens, or say shadow.cassette.live: true.";
        return fail(`${textOf(replay)} ${MODES[String(found.live)]}, and the configuration says otherwise`, fix);
      },
    },
  ];
};

const textOf = ({ host, port }: ListenAddress): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** null: somebody listens. */
function failureOf({ host, port }: ListenAddress): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const end = (failure: string | null): void => {
      socket.destroy();
      resolve(failure);
    };
    socket.once("connect", () => end(null));
    socket.once("timeout", () => end(`no answer within ${CONNECT_MS / 1_000} s`));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? "no connection"));
  });
}
