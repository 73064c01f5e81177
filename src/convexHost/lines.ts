// The lines of a text file that may be larger than memory.
import { createReadStream } from "node:fs";
import { StringDecoder } from "node:string_decoder";

/** A document has at most 1 MiB; as JSON with every character escaped it has six times that. */
const LINE_CHARS_MAX = 8 * 1_024 * 1_024;

/** @throws Error for a line that no document can fill; what the system says when there is no such file */
export async function* readLines(file: string): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of createReadStream(file)) {
    const lines = (rest + decoder.write(chunk as Buffer)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (rest.length > LINE_CHARS_MAX) throw new Error(`${file}: a line has more than ${LINE_CHARS_MAX} characters`);
  }
  rest += decoder.end();
  if (rest !== "") yield rest;
}
