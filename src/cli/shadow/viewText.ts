// Conversations and documents of samples, in a terminal (shadow §16.5).
import { differencesByPart, type TalkRow, talkRows } from "../../report/index.ts";
import type { SampleBody, SampleDifference } from "../../shadow/index.ts";
import { count, plural, table } from "../format.ts";
import { changeText, printable } from "../printable.ts";

type Conversation = NonNullable<SampleBody["conversation"]>;
type Frame = Conversation["frames"][number];

/** Rows behind the first difference, and before it. */
const ROWS_MAX = 24;
const VECTORS_MAX = 10;
const SHAPE_MAX = 48;

/** What was asked of a model first, then structure, then text. */
export const partsText = (differences: readonly SampleDifference[], talk: Conversation): readonly string[] =>
  differencesByPart(differences, talk).map(({ part, differences: own }) => {
    const told = own.map((one) => `${printable(one.path)} ${one.kind} ${printable(changeText(one))}`);
    return `  ${part}: ${told.join(", ")}`;
  });

/** Two lanes, the client's frames between. `»`: here they go apart; what is in brackets was equal, or is not compared. */
export function talkText(talk: Conversation): readonly string[] {
  const rows = talkRows(talk);
  const first = Math.max(
    0,
    rows.findIndex(({ isFirst }) => isFirst),
  );
  const from = Math.max(0, Math.min(first - ROWS_MAX / 3, rows.length - ROWS_MAX));
  const shown = rows.slice(from, from + ROWS_MAX);
  const hidden = rows.length - shown.length + talk.leftOut;
  const text = table([["   ", "CONTROL", "CLIENT", "CANDIDATE"], ...shown.map(rowText)]);
  return [text, ...(hidden > 0 ? [`  … ${plural(hidden, "further row")}`] : [])];
}

function rowText({ control, client, candidate, isFirst, isQuiet }: TalkRow): string[] {
  const link = control !== null && candidate !== null ? "↔" : "";
  const cell = (frame: Frame | null): string => (frame === null ? "" : frameText(frame, isQuiet));
  return [isFirst ? "  »" : "   ", cell(control), client === null ? link : cell(client), cell(candidate)];
}

function frameText({ who, type, turn, ms, parts, state, body }: Frame, isQuiet: boolean): string {
  const name = who === "client" ? `turn ${turn}` : printable(type ?? "message");
  const told = state === null || state === "matched" || state === "before" ? "" : ` ${state}`;
  const pieces = parts === null ? "" : `, ${plural(parts, "piece")}`;
  const shape = body === undefined || isQuiet || state === "matched" ? "" : ` ${shapeText(body)}`;
  const text = `${name}${told} (${count(ms)} ms${pieces})${shape}`;
  return isQuiet ? `[${text}]` : text;
}

function shapeText(body: unknown): string {
  const text = printable(typeof body === "string" ? body : (JSON.stringify(body) ?? ""));
  return text.length > SHAPE_MAX ? `${text.slice(0, SHAPE_MAX)}…` : text;
}

export function documentText({ root, vectors, leftOut }: NonNullable<SampleBody["document"]>): readonly string[] {
  const rows = vectors.slice(0, VECTORS_MAX).map((one) => {
    return [
      `    ${one.client}`,
      count(one.control),
      count(one.candidate),
      one.control === one.candidate ? "" : "apart",
    ];
  });
  const hidden = leftOut + vectors.length - rows.length;
  return [
    root === null ? "  contents are equal, updates are not" : `  first root that differs: ${printable(root)}`,
    table([["    CLIENT", "CONTROL", "CANDIDATE", ""], ...rows]),
    ...(hidden > 0 ? [`    … ${plural(hidden, "further client")}`] : []),
  ];
}
