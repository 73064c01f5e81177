// The deployment's own variables, as `npx convex env` keeps them in the cloud (embedded-convex §3.5). Pure.
import { ConfigError } from "./options.ts";

const VARIABLES_MAX = 100;
const NAME_CHARS_MAX = 40;
const VALUE_BYTES_MAX = 8_192;
/** Set by the deployment itself: where it is reached. */
const RESERVED = ["CONVEX_CLOUD_URL", "CONVEX_SITE_URL"];

interface Assignment {
  readonly name: string;
  readonly value: string;
}

/**
 * Reads `NAME=value` lines, `export` before the name allowed. A value in quotes ("…", '…', `…`) may span lines, and in "…"
 * `\n` is a line break; without quotes it ends at ` #`. Functions see these variables and nothing of the process's own. Not
 * `util.parseEnv`: that passes over lines it cannot read, and after an empty value it takes the next line for the value. The
 * limits are Convex's, so that what is accepted here can be set there.
 * @throws ConfigError naming `file` and every problem
 */
export function parseEnvFile(content: string, file: string): Readonly<Record<string, string>> {
  const problems: string[] = [];
  const variables: Record<string, string> = {};
  for (const { name, value } of readAssignments(content.replaceAll("\r\n", "\n"), problems)) {
    if (Object.hasOwn(variables, name)) problems.push(`${name}: given twice`);
    problems.push(...problemsOf(name, value));
    // Not by assignment: "__proto__" is refused, but must not do harm before.
    Object.defineProperty(variables, name, { value, enumerable: true, writable: true, configurable: true });
  }
  const count = Object.keys(variables).length;
  if (count > VARIABLES_MAX) problems.push(`expected at most ${VARIABLES_MAX} variables, got ${count}`);
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `${file}: ${problem}`));
  return variables;
}

function problemsOf(name: string, value: string): string[] {
  const problems: string[] = [];
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || name.length > NAME_CHARS_MAX) {
    const expected = `a letter, then letters, digits and _, at most ${NAME_CHARS_MAX} characters in all`;
    problems.push(`${JSON.stringify(name)}: expected ${expected}`);
  }
  if (RESERVED.includes(name)) problems.push(`${name}: set by the host, cannot be set here`);
  const bytes = Buffer.byteLength(value);
  if (bytes > VALUE_BYTES_MAX)
    problems.push(`${name}: expected a value of at most ${VALUE_BYTES_MAX} bytes, got ${bytes}`);
  return problems;
}

function* readAssignments(content: string, problems: string[]): Generator<Assignment> {
  const lines = content.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (/^\s*(#.*)?$/.test(line)) continue;
    const [, name, rest] = /^\s*(?:export\s+)?([^=\s#]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined) {
      problems.push(`line ${at + 1}: expected NAME=value`);
      continue;
    }
    const quote = rest[0];
    if (quote !== '"' && quote !== "'" && quote !== "`") {
      yield { name, value: rest.replace(/(^|\s)#.*$/, "").trim() };
      continue;
    }
    const text = [rest.slice(1), ...lines.slice(at + 1)].join("\n");
    const end = text.indexOf(quote);
    if (end < 0) {
      problems.push(`line ${at + 1}: the quote ${quote} of ${name} is not closed`);
      return;
    }
    at += text.slice(0, end).split("\n").length - 1;
    if (!/^\s*(#.*)?$/.test(text.slice(end + 1).split("\n")[0] ?? "")) {
      problems.push(`line ${at + 1}: expected nothing but a comment after the closing ${quote} of ${name}`);
    }
    const value = text.slice(0, end);
    yield { name, value: quote === '"' ? value.replaceAll("\\n", "\n") : value };
  }
}

/** What functions find in `process.env`: their own variables, and where the host is reached. */
export function environmentOf(variables: Readonly<Record<string, string>>, origin: string): Record<string, string> {
  return { ...variables, CONVEX_CLOUD_URL: origin, CONVEX_SITE_URL: `${origin}/http` };
}
