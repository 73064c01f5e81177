// R-10: what the arms' libraries take out of a pdf is nearly the same, and so is all that is made of it (differences.md §2 `pdf`).
import { isObject, type JsonObject } from "../jsonObject.ts";
import { bodiesOf, type Facts, holdersOf, numberOf } from "./facts.ts";

const SIMILARITY_MIN = 0.95;

/** Words with how often they come: Jaccard of two multisets. */
function similarity(one: string, other: string): number {
  const counts = new Map<string, [number, number]>();
  for (const [side, text] of [one, other].entries()) {
    for (const word of text.toLowerCase().split(/\s+/).filter(Boolean)) {
      const count = counts.get(word) ?? [0, 0];
      count[side] = (count[side] ?? 0) + 1;
      counts.set(word, count);
    }
  }
  let [common, all] = [0, 0];
  for (const [a, b] of counts.values()) {
    common += Math.min(a, b);
    all += Math.max(a, b);
  }
  return all === 0 ? 1 : common / all;
}

/** A number is so many equal words. */
function areNear(control: unknown, candidate: unknown): boolean {
  if (typeof control === "string" && typeof candidate === "string") {
    return similarity(control, candidate) >= SIMILARITY_MIN;
  }
  const [one, other] = [numberOf(control), numberOf(candidate)];
  if (one === null || other === null || one <= 0 || other <= 0) return false;
  return Math.min(one, other) / Math.max(one, other) >= SIMILARITY_MIN;
}

const isPdfName = (name: unknown): boolean => typeof name === "string" && /\.pdf$/i.test(name);

/**
 * R24 says the format, R25 only the file's name. R9 takes a pdf by its extension (rest.md §5), so it has one, unless the name was
 * cut (services.md §7): such a document counts as another one, that is, exactly.
 */
const isPdf = (document: JsonObject): boolean => document["format"] === "pdf" || isPdfName(document["file_name"]);

/** A text or a number of one document. */
export function isOfPdf(facts: Facts): boolean {
  const documents = holdersOf(facts);
  const areBoth = documents !== null && isPdf(documents.control) && isPdf(documents.candidate);
  return areBoth && areNear(facts.control, facts.candidate);
}

const textsIn = (value: unknown): readonly string[] => {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isObject(value) ? Object.entries(value).flatMap(([key, item]) => [key, ...textsIn(item)]) : [];
};

/** Only what was made of texts; null: no pdf is among its files. */
function analysisText({ analysis }: JsonObject): string | null {
  if (!isObject(analysis)) return null;
  const { analysis_text: text, key_concepts: concepts, key_terms: terms, file_names: files } = analysis;
  if (!Array.isArray(files) || !files.some(isPdfName)) return null;
  return textsIn([text, concepts, terms]).join(" ");
}

/** Something in the analysis of documents with a pdf among them: the analysis as a whole counts, for one text is the parts' source. */
export function isInAnalysisOfPdf(facts: Facts): boolean {
  const bodies = bodiesOf(facts);
  if (bodies === null) return false;
  const [one, other] = [analysisText(bodies.control), analysisText(bodies.candidate)];
  return one !== null && other !== null && areNear(one, other);
}
