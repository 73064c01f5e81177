// The JSON value at the start of a text, as written. `!tool=<name> <JSON>` may be followed by other words.

function endOfContainer(text: string): number {
  let depth = 0;
  let isInText = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (isInText) {
      if (c === "\\") i += 1;
      else if (c === '"') isInText = false;
    } else if (c === '"') isInText = true;
    else if (c === "{" || c === "[") depth += 1;
    else if (c === "}" || c === "]") {
      depth -= 1;
      if (depth === 0) return i + 1;
    }
  }
  return text.length;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The leading JSON value of the text, or null when it has none. */
export function jsonPrefix(text: string): string | null {
  const trimmed = text.trim();
  if (isJson(trimmed)) return trimmed;
  const isContainer = trimmed.startsWith("{") || trimmed.startsWith("[");
  const candidate = isContainer ? trimmed.slice(0, endOfContainer(trimmed)) : (trimmed.split(/\s/, 1)[0] ?? "");
  return isJson(candidate) ? candidate : null;
}
