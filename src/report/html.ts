// One self-contained page without any script (ux §6): the answer first, then routes, differences, and what is not known.
import { moment } from "./format.ts";
import { familiesSection } from "./html/families.ts";
import { headSection } from "./html/head.ts";
import { limitsSection } from "./html/limits.ts";
import { routesSection } from "./html/routes.ts";
import { SHAPES } from "./html/parts.ts";
import { HTML_POLICY, style } from "./html/style.ts";
import { Markup, markup } from "./markup.ts";
import type { ShadowReport } from "./model.ts";

export function toHtml(report: ShadowReport): string {
  const { head } = report;
  const title = `${head.unit}: ${head.readiness.state} · shadow report`;
  return markup`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="${new Markup(HTML_POLICY)}"/><meta name="viewport" content="width=device-width, initial-scale=1"/><title>${title}</title><style>${new Markup(style)}</style></head>
<body>${SHAPES}
${headSection(head)}
<main>${routesSection(report)}
${familiesSection(report)}
${limitsSection(report)}</main>
<footer>Evidence of ${moment(head.window.fromMs)} to ${moment(head.window.toMs)}. Samples were redacted before they were stored: shapes, lengths and fingerprints, no values unless a route asks for them.</footer>
</body></html>
`.text;
}
