import type { Frame, TurnCodec } from "../../ports.ts";

interface TinyState {
  readonly open: number;
}

const textOf = (frame: Frame): string => Buffer.from(frame.data).toString("utf8");

/**
 * A language of three words: `turn` opens a turn, `final` ends one, `throw` makes the codec throw. Everything else
 * passes without a meaning. It means its closes 1008, 4xxx and 1000 with a reason.
 */
export const tinyCodec: TurnCodec<TinyState> = {
  surface: "tiny",
  start: () => ({ open: 0 }),
  fromClient(state, frame) {
    const text = textOf(frame);
    if (text.startsWith("throw")) throw new Error("a bug of the codec");
    return text.startsWith("turn") ? [{ open: state.open + 1 }, "turn"] : [state, "ordered"];
  },
  fromArm(state, frame) {
    const text = textOf(frame);
    if (text.startsWith("throw")) throw new Error("a bug of the codec");
    if (!text.startsWith("final") || state.open === 0) return [state, "push"];
    return [{ open: state.open - 1 }, "final"];
  },
  stamp: (frame) => frame,
  openTurns: (state) => state.open,
  isIntended: (_, { code, reason }) => code === 1008 || code >= 4000 || (code === 1000 && reason !== ""),
};

const fail = (): never => {
  throw new Error("a bug of the codec");
};

/** Codecs with one function that throws, by its name. */
export const brokenCodecs = {
  start: { ...tinyCodec, start: fail },
  fromClient: { ...tinyCodec, fromClient: fail },
  fromArm: { ...tinyCodec, fromArm: fail },
  openTurns: { ...tinyCodec, openTurns: fail },
  isIntended: { ...tinyCodec, isIntended: fail },
} satisfies Record<string, TurnCodec<TinyState>>;
