// Source-maps the stack traces of functions (embedded-convex §3.5). The map is read at the first trace only.
import { SourceMap } from "node:module";

/** Where frames of the bundle say they are. */
export const BUNDLE_FILE = "embedded-host-bundle.js";

const FRAME = new RegExp(`^\\s+at (?:(.*?) \\()?${BUNDLE_FILE.replaceAll(".", "\\.")}:(\\d+):(\\d+)\\)?$`);

/**
 * Gives a mapper from an error's `stack` to its frames in the sources, one line each, without the message. Frames of the
 * host, of Node and of the `convex` package are left out: they say nothing about the function.
 */
export function createStackMap(sourceMapJson: string): (stack: string) => readonly string[] {
  let map: SourceMap | null = null;
  return (stack) => {
    const frames: string[] = [];
    for (const line of stack.split("\n")) {
      const found = FRAME.exec(line);
      if (found === null) continue;
      map ??= new SourceMap(JSON.parse(sourceMapJson) as ConstructorParameters<typeof SourceMap>[0]);
      const entry = map.findEntry(Number(found[2]) - 1, Number(found[3]) - 1);
      if (!("originalSource" in entry) || /(^|\/)node_modules\/convex\//.test(entry.originalSource)) continue;
      const at = `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
      frames.push(found[1] === undefined ? `    at ${at}` : `    at ${found[1]} (${at})`);
    }
    return frames;
  };
}
