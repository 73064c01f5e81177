/** Deeper values cannot be written canonically (contract G6) and nothing in the contract needs them. */
const DEPTH_MAX = 500;

/** Whether JSON text nests deeper than the limit; found before a recursive reader meets it. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInText = false;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text[i];
    if (isInText) {
      if (unit === "\\") i += 1;
      else if (unit === '"') isInText = false;
    } else if (unit === '"') isInText = true;
    else if (unit === "{" || unit === "[") {
      depth += 1;
      if (depth > DEPTH_MAX) return true;
    } else if (unit === "}" || unit === "]") depth -= 1;
  }
  return false;
}
