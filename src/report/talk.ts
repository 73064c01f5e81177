// A conversation as a person reads it (shadow §16.5): two lanes with the client's frames between, and what is worth reading first.
import type { SampleConversation, SampleDifference, SampleFrame } from "../shadow/ports.ts";

/** What stands beside each other. */
export interface TalkRow {
  readonly control: SampleFrame | null;
  readonly client: SampleFrame | null;
  readonly candidate: SampleFrame | null;
  /** Here they go apart. */
  readonly isFirst: boolean;
  /** Nothing to look at: it was equal, or came behind. */
  readonly isQuiet: boolean;
}

export function talkRows({ frames, first }: SampleConversation): readonly TalkRow[] {
  const rows: TalkRow[] = [];
  const taken = new Set<number>();
  for (const [at, frame] of frames.entries()) {
    if (taken.has(at)) continue;
    const other = frames.findIndex(
      (one, place) => place > at && frame.link !== null && one.link === frame.link && one.who !== frame.who,
    );
    if (other >= 0) taken.add(other);
    const both = other < 0 ? [frame] : [frame, frames[other] as SampleFrame];
    const of = (who: SampleFrame["who"]): SampleFrame | null => both.find((one) => one.who === who) ?? null;
    rows.push({
      control: of("control"),
      client: of("client"),
      candidate: of("candidate"),
      isFirst: first !== null && (first === at || first === other),
      isQuiet: both.every(({ state }) => state === "before" || state === "behind"),
    });
  }
  return rows;
}

/** What was asked of the model decides what it says, and the structure what a text is worth (shadow §16.5). */
const PARTS = ["model request", "structure", "text"] as const;
export type TalkPart = (typeof PARTS)[number];

/** In the order in which they are to be read. @param conversation of the sample; texts are the frames that came in pieces */
export function differencesByPart<T extends Pick<SampleDifference, "template" | "kind">>(
  differences: readonly T[],
  conversation: SampleConversation | undefined,
): readonly { readonly part: TalkPart; readonly differences: readonly T[] }[] {
  const texts = new Set(
    (conversation?.frames ?? []).flatMap(({ type, parts }) => (parts === null ? [] : (type ?? []))),
  );
  const partOf = ({ template, kind }: T): TalkPart => {
    if (template.startsWith("model.request")) return "model request";
    const [, type] = /^message:(\S+) \$$/.exec(template) ?? [];
    return kind === "value" && type !== undefined && texts.has(type) ? "text" : "structure";
  };
  const byPart = Map.groupBy(differences, partOf);
  return PARTS.flatMap((part) => {
    const own = byPart.get(part);
    return own === undefined ? [] : [{ part, differences: own }];
  });
}
