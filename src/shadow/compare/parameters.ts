// Values with parameters, as in `form-data; name="a"` (RFC 2045 §5.1, RFC 2183, RFC 7578 §4.2).

export interface Parameters {
  /** In lower case. */
  readonly value: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
/** A media type has a slash. */
const VALUE = new RegExp(`^\\s*(${TOKEN}(?:/${TOKEN})?)\\s*`);
const PARAMETER = new RegExp(`;\\s*(?:(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s";]+))\\s*)?`, "sy");

/** Null: it is written otherwise, or names a parameter twice. */
export function parametersOf(text: string): Parameters | null {
  const [whole = "", value = ""] = VALUE.exec(text) ?? [];
  if (value === "") return null;
  const parameters = new Map<string, string>();
  for (let at = whole.length; at < text.length; ) {
    PARAMETER.lastIndex = at;
    const found = PARAMETER.exec(text);
    if (found === null) return null;
    const [all, name, quoted, bare] = found;
    at += all.length;
    if (name === undefined) continue; // a `;` behind the last one
    const known = name.toLowerCase();
    if (parameters.has(known)) return null;
    // Browsers write a backslash as it is (WHATWG HTML, multipart/form-data): only these two are ever meant otherwise.
    parameters.set(known, quoted === undefined ? (bare ?? "") : quoted.replaceAll(/\\(["\\])/g, "$1"));
  }
  return { value: value.toLowerCase(), parameters };
}
