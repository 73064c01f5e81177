// A conversation in two lanes, with the client's frames between (shadow §16.5).
import type { SampleConversation, SampleDifference, SampleFrame } from "../../shadow/ports.ts";
import { changeText, count, milliseconds, plural } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import { differencesByPart, type TalkRow, talkRows } from "../talk.ts";
import { armName } from "./parts.ts";
import { type Budget, shapeTree } from "./sampleTree.ts";

export function talkView(talk: SampleConversation, differences: readonly SampleDifference[], budget: Budget): Markup {
  const rows = talkRows(talk);
  const hidden = talk.leftOut === 0 ? null : `${plural(talk.leftOut, "further frame")} of this turn.`;
  return markup`${partsList(differences, talk)}
<div class="scroll"><table class="talk"><caption>Around turn ${talk.turn}; ms since the turn left for the arm.${hidden !== null && ` ${hidden}`}</caption><thead><tr><th scope="col" class="turn">Turn</th><th scope="col">${armName("control")}</th><th scope="col" class="between">Client</th><th scope="col">${armName("candidate")}</th></tr></thead><tbody>
${rows.map((row) => talkRow(row, budget))}</tbody></table></div>`;
}

/** What was asked of a model first, then what was said, then how. */
function partsList(differences: readonly SampleDifference[], talk: SampleConversation): Markup | null {
  const parts = differencesByPart(differences, talk);
  if (parts.length === 0) return null;
  return markup`<ul class="parts">${parts.map(
    ({ part, differences: own }) =>
      markup`<li>${part}: ${own.map(
        (one, at) => markup`${at > 0 && ", "}<code>${one.path}</code> ${one.kind} ${changeText(one)}`,
      )}</li>\n`,
  )}</ul>`;
}

function talkRow({ control, client, candidate, isFirst, isQuiet }: TalkRow, budget: Budget): Markup {
  const turn = (client ?? control ?? candidate)?.turn ?? 0;
  const open = isFirst ? markup`<tr class="first">` : isQuiet ? markup`<tr class="rest">` : markup`<tr>`;
  const mark = isFirst ? markup`<strong>first difference</strong>` : linkMark({ control, candidate });
  return markup`${open}<th scope="row">${turn}</th><td>${control && frameCell(control, budget)}</td><td class="between">${client === null ? mark : frameCell(client, budget)}</td><td>${candidate && frameCell(candidate, budget)}</td></tr>
`;
}

const linkMark = ({ control, candidate }: Pick<TalkRow, "control" | "candidate">): Markup | null =>
  control !== null && candidate !== null ? markup`<span class="quiet" aria-label="the same message">↔</span>` : null;

function frameCell(frame: SampleFrame, budget: Budget): Markup {
  const { who, type, ms, chars, parts, state, body } = frame;
  const name = who === "client" ? "sends" : (type ?? "message");
  const pieces = parts === null ? "" : `, ${plural(parts, "piece")}`;
  const told = state === null || state === "matched" ? "" : ` · ${STATES[state] ?? state}`;
  const tree = body === undefined ? null : shapeTree(body, budget);
  return markup`<div><code>${name}</code>${told}</div><span class="detail">${ms <= 0 ? "0 ms" : milliseconds(ms)}, ${count(chars)} characters${pieces}</span>${tree !== null && markup`<details><summary class="quiet">shape</summary>${tree}</details>`}`;
}

const STATES: Readonly<Record<string, string>> = { before: "before", behind: "not compared" };
