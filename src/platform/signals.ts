export interface Signals {
  /** The first SIGINT or SIGTERM, by its name. */
  readonly first: Promise<string>;
  /** What a second one does; until it is set a second one does nothing. */
  onSecond(run: () => void): void;
  release(): void;
}

/** One signal asks to stop, a second one insists (ux.md §3, exit 130). */
export function listenToSignals(say: (line: string) => void): Signals {
  let count = 0;
  let second: () => void = () => {};
  const { promise: first, resolve: announce } = Promise.withResolvers<string>();
  const onSignal = (signal: NodeJS.Signals): void => {
    count += 1;
    if (count === 1) return announce(signal);
    say(`${signal} again: stopped without draining`);
    second();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return {
    first,
    onSecond: (run) => {
      second = run;
    },
    release: () => void process.off("SIGINT", onSignal).off("SIGTERM", onSignal),
  };
}
