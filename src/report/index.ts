// The public face of the report (house §2).
import { toHtml } from "./html.ts";
import { toJson } from "./json.ts";
import { toJunit } from "./junit.ts";
import { toMarkdown } from "./markdown.ts";
import type { ShadowReport } from "./model.ts";

export { buildReport, exitCodeOf } from "./buildReport.ts";
export { againText, sampleAgainText } from "./askedAgain.ts";
export { stateNote } from "./headline.ts";
export { differencesByPart, type TalkRow, talkRows } from "./talk.ts";
export { HTML_POLICY } from "./html/style.ts";
export type * from "./input.ts";
export type * from "./model.ts";

/** As `--format` says it. */
export const REPORT_FORMATS = ["md", "html", "json", "junit"] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportWriter {
  readonly mediaType: string;
  write(report: ShadowReport): string;
}

export const REPORT_WRITERS: Readonly<Record<ReportFormat, ReportWriter>> = {
  md: { mediaType: "text/markdown; charset=utf-8", write: toMarkdown },
  html: { mediaType: "text/html; charset=utf-8", write: toHtml },
  json: { mediaType: "application/json", write: toJson },
  junit: { mediaType: "application/xml", write: toJunit },
};
