import type { Arm } from "../kernel/index.ts";
import type { CliDeps } from "./ports.ts";

/** Data goes to stdout, talk to stderr, so that pipes carry data only (ux.md §3). */
export interface Output {
  data(text: string): void;
  json(value: unknown): void;
  talk(text: string): void;
  /** Shown with `--quiet` too: what went wrong. */
  complain(text: string): void;
  readonly isTerminal: boolean;
  bold(text: string): string;
  alarm(text: string): string;
  /** Shape and word stand beside the colour, text itself is never coloured by arm (ux.md §1 rule 8). */
  armMark(arm: Arm): string;
}

const ESC = "\u001b[";
const COLOURS: Readonly<Record<Arm, string>> = { control: "38;2;0;114;178", candidate: "38;2;213;94;0" };
const SHAPES: Readonly<Record<Arm, string>> = { control: "●", candidate: "▲" };

export function createOutput(
  deps: Pick<CliDeps, "stdout" | "stderr" | "env">,
  options: { readonly isQuiet: boolean },
): Output {
  const isTerminal = deps.stdout.isTTY === true;
  // NO_COLOR counts when set and not empty (no-color.org).
  const isColoured = isTerminal && !deps.env["NO_COLOR"] && deps.env["TERM"] !== "dumb";
  const paint = (code: string, text: string): string => (isColoured ? `${ESC}${code}m${text}${ESC}0m` : text);
  return {
    data: (text) => void deps.stdout.write(`${text}\n`),
    json: (value) => void deps.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    talk: (text) => void (options.isQuiet || deps.stderr.write(`${text}\n`)),
    complain: (text) => void deps.stderr.write(`${text}\n`),
    isTerminal,
    bold: (text) => paint("1", text),
    alarm: (text) => paint("1;31", text),
    armMark: (arm) => paint(COLOURS[arm], SHAPES[arm]),
  };
}
