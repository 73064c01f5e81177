// Markup that cannot be broken out of: whatever is put into a template is text, unless it is markup itself.

/** What no page and no log should be made to show: controls, halves of characters, marks that turn the direction of a line. */
const UNSEEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Controls are removed (XML 1.0 §2.2 has no way to write them). */
export const clean = (text: string): string => text.replace(UNSEEN, "");

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escapeText = (text: string): string => clean(text).replace(/[&<>"']/g, (mark) => ENTITIES[mark] ?? "");

export class Markup {
  readonly text: string;

  /** @param text trusted as it is: only literals of these sources, and what `markup` made */
  constructor(text: string) {
    this.text = text;
  }
}

type Content = string | number | Markup | null | false | readonly Content[];

function written(content: Content): string {
  if (content === null || content === false) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "string") return escapeText(content);
  return typeof content === "number" ? String(content) : content.map(written).join("");
}

/** HTML and XML; attributes must stand in double quotes. */
export const markup = (literals: TemplateStringsArray, ...contents: readonly Content[]): Markup =>
  new Markup(
    literals.map((literal, at) => literal + (at < contents.length ? written(contents[at] ?? null) : "")).join(""),
  );
