// The completion cassette (shadow §12). Only connected to: a call to `record` would be one to the model provider.
import { connect } from "node:net";
import type { ListenAddress } from "../../config/index.ts";
import { type CheckSource, fail, ok } from "./check.ts";

const CONNECT_MS = 2_000;

export const cassetteChecks: CheckSource = ({ config }) => {
  const cassette = config.shadow?.cassette ?? null;
  if (cassette === null) return [];
  const { record, replay } = cassette;
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
