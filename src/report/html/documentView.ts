// What two Yjs documents differ in: the first root, and how far each arm has come with every client (shadow §16.5).
import type { SampleDocument } from "../../shadow/ports.ts";
import { count, plural } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import { table } from "./parts.ts";
import { type Budget, sampleTree } from "./sampleTree.ts";

export function documentView(document: SampleDocument, budget: Budget): Markup {
  const { root, control, candidate, vectors, leftOut } = document;
  const rows = vectors.map((one) => [
    markup`<code>${one.client}</code>`,
    count(one.control),
    count(one.candidate),
    one.control === one.candidate
      ? "equal"
      : `${count(Math.abs(one.control - one.candidate))} missing on ${one.control > one.candidate ? "candidate" : "control"}`,
  ]);
  const more = leftOut === 0 ? "" : ` ${plural(leftOut, "further client")}.`;
  const isShown = control !== undefined || candidate !== undefined;
  return markup`<p>${root === null ? "The contents are equal; updates are not." : markup`First root that differs: <code>${root}</code>${!isShown && " (too large to be kept)"}`}</p>
${isShown && sampleTree({ control, candidate }, budget)}
${table(
  `State vectors: changes of each client that the arm has.${more}`,
  [{ name: "Client" }, { name: "Control", isNumber: true }, { name: "Candidate", isNumber: true }, { name: "" }],
  rows,
)}`;
}
