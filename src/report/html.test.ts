import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { buildReport } from "./buildReport.ts";
import type { ReportInput } from "./input.ts";
import { toHtml } from "./html.ts";
import { DARK, LIGHT, type Palette, style } from "./html/style.ts";
import { HTML_POLICY } from "./index.ts";
import { anyEvidence, HOSTILE } from "./testing/arbitraries.ts";
import { EVIDENCE } from "./testing/evidence.ts";
import { type Element, elementsOf, readMarkup, textOf } from "./testing/wellFormed.ts";

const PAGE = toHtml(buildReport(EVIDENCE));

/** All that the page is made of; nothing else may come in by any name. */
const ELEMENTS = new Set(
  (
    "html head meta title style body header main footer section article figure figcaption h1 h2 h3 p div span strong code pre " +
    "ul li dl dt dd a table caption thead tbody tr th td details summary wbr " +
    "svg defs pattern rect line circle path text use"
  ).split(" "),
);

function pageOf(source: string): readonly Element[] {
  const elements = [...elementsOf(readMarkup(source))].slice(1);
  for (const { name, attributes } of elements) {
    assert.ok(ELEMENTS.has(name), name);
    for (const [key, value] of attributes) {
      assert.doesNotMatch(key, /^on|^style$|^src$/);
      if (key === "href") assert.match(value, name === "use" ? /^#arm-(control|candidate)$/ : /^#family-\d+$/);
    }
  }
  return elements;
}

test("any report is a well-formed page, and names are nothing but text in it", () => {
  fc.assert(
    fc.property(anyEvidence, (input) => void pageOf(toHtml(buildReport(input)))),
    { numRuns: 150 },
  );
});

test("a hostile name stays the text that it is, wherever it stands", () => {
  const [hostile = ""] = HOSTILE;
  const [totals, family] = [EVIDENCE.totals[0], EVIDENCE.families[1]];
  assert.ok(totals && family);
  const rows = [
    { family: "f", place: 0, group: hostile, atMs: 0, body: { control: { [hostile]: hostile }, candidate: {} } },
  ];
  const page = toHtml(
    buildReport({
      ...EVIDENCE,
      campaign: { ...EVIDENCE.campaign, unit: hostile, controlBuild: hostile },
      totals: [{ ...totals, route: hostile }],
      families: [{ ...family, name: "f", route: hostile, template: hostile, control: hostile, candidate: hostile }],
      samples: new Map([["f", rows]]),
    }),
  );
  assert.doesNotMatch(page, /<script/i);
  const [root] = pageOf(page);
  assert.ok(textOf(root as Element).split(hostile).length > 8);
});

test("the page runs and loads nothing, and its policy says so", () => {
  assert.doesNotMatch(PAGE, /<script|https?:|url\((?!#)|@import/);
  const policy = pageOf(PAGE).find(({ attributes }) => attributes.get("http-equiv") === "Content-Security-Policy");
  assert.equal(policy?.attributes.get("content"), HTML_POLICY);
  const written = pageOf(PAGE).find(({ name }) => name === "style");
  assert.equal(textOf(written as Element), style);
  assert.match(HTML_POLICY, new RegExp(createHash("sha256").update(style).digest("base64").replace(/[+/=]/g, "\\$&")));
});

test("the page can be read without seeing it: language, title, headers of tables, words for pictures", () => {
  const elements = pageOf(PAGE);
  const named = (name: string): readonly Element[] => elements.filter((one) => one.name === name);
  assert.equal(named("html")[0]?.attributes.get("lang"), "en");
  assert.equal(textOf(named("title")[0] as Element), "tutoring: not ready · shadow report");
  for (const header of named("th")) assert.match(header.attributes.get("scope") ?? "", /^(col|row)$/);
  for (const row of elements.filter(({ name }) => name === "tbody").flatMap(({ children }) => children)) {
    if (typeof row !== "string") assert.equal((row.children[0] as Element).attributes.get("scope"), "row");
  }
  for (const { attributes } of named("svg")) {
    const isInside = attributes.has("x");
    assert.ok(isInside || attributes.get("aria-hidden") === "true" || (attributes.get("aria-label") ?? "") !== "");
  }
  const ids = elements.flatMap(({ attributes }) => attributes.get("id") ?? []);
  assert.equal(new Set(ids).size, ids.length);
  for (const { attributes } of named("a")) assert.ok(ids.includes((attributes.get("href") ?? "").slice(1)));
});

test("only changed branches are open, and both sides are named", () => {
  const [family] = pageOf(PAGE).filter(({ attributes }) => attributes.get("id") === "family-0");
  const sample = [...elementsOf(family as Element)].find(({ name }) => name === "details") as Element;
  const branches = [...elementsOf(sample)].filter(({ name }) => name === "details");
  const summary = ({ children }: Element): string => textOf(children.find((one) => typeof one !== "string") as Element);
  assert.deepEqual(
    branches.map((one) => [summary(one), one.attributes.has("open")]),
    [
      ["Sample 1, 2026-11-20 05:00:00 UTC, group 5f0cd1a2", true],
      ["$ 1 of 2 changed", true],
      ["data 1 of 2 changed", true],
      ["user_model_state 1 of 3 changed", true],
      ["2 equal", false],
      ["topics 2 entries, equal", false],
      ["1 equal", false],
      ["1 equal", false],
    ],
  );
  assert.match(textOf(sample), /overall_progresscontrol decimal#3f2acandidate text\(4\)#e01b/);
});

/** WCAG 2.1, relative luminance. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

test("every text has a contrast of 4.5, every mark of an arm one of 3, by day and by night", () => {
  for (const colours of [LIGHT, DARK]) {
    const texts: readonly (keyof Palette)[] = ["text", "quiet", "link"];
    for (const ground of [colours.page, colours.soft]) {
      for (const text of texts) assert.ok(contrast(colours[text], ground) >= 4.5, `${text} on ${ground}`);
    }
    for (const text of ["text", "quiet"] as const) assert.ok(contrast(colours[text], colours.changed) >= 4.5, text);
    for (const state of ["bad", "open", "good"] as const)
      assert.ok(contrast(colours.onState, colours[state]) >= 4.5, state);
    for (const arm of ["control", "candidate"] as const) {
      for (const ground of [colours.page, colours.changed]) assert.ok(contrast(colours[arm], ground) >= 3, arm);
    }
  }
});

test("a page has a limit: what is not shown is said", () => {
  const [family] = EVIDENCE.families;
  assert.ok(family);
  const families = Array.from({ length: 60 }, (_, at) => ({ ...family, name: `f${at}` }));
  const body = { control: Object.fromEntries(Array.from({ length: 12_000 }, (_, at) => [`k${at}`, 1])), candidate: {} };
  const samples = new Map(
    families.slice(0, 3).map(({ name }) => [name, [{ family: name, place: 0, group: "g", atMs: 0, body }]]),
  );
  const page = toHtml(buildReport({ ...EVIDENCE, families, samples }));
  assert.ok(page.length < 4_000_000);
  assert.match(
    page,
    /10 further families are in the table only\. Some values of samples are left out here; the JSON has them\./,
  );
});

test("without any evidence the page says what is missing", () => {
  const page = toHtml(buildReport({ ...EVIDENCE, totals: [], families: [], gaps: [], samples: new Map() }));
  const [root] = pageOf(page);
  assert.match(textOf(root as Element), /Nothing was sampled\./);
});

test("documents are shown by the root that differs and how far each arm has come, calls that were asked again by a grid", () => {
  const [first] = EVIDENCE.families as readonly [ReportInput["families"][number]];
  const body = {
    differences: [],
    document: {
      root: "objects",
      control: { objects: { lost: "text(8)#aa" } },
      candidate: { objects: {} },
      vectors: [
        { client: "digits(7)#0123", control: 3, candidate: 2 },
        { client: "digits(7)#4567", control: 8, candidate: 8 },
      ],
      leftOut: 5,
    },
  };
  const samples = new Map([[first.name, [{ family: first.name, place: 0, group: "g", atMs: 1, body }]]]);
  const page = toHtml(buildReport({ ...EVIDENCE, samples }));
  elementsOf(readMarkup(page));
  assert.match(page, /First root that differs: <code>objects<\/code>/);
  assert.match(page, /text\(8\)#aa/);
  assert.match(page, /1 missing on candidate/);
  assert.match(page, /5 further clients/);
  assert.match(
    toHtml(buildReport(EVIDENCE)),
    /Asked again, of 3 samples[^]*Control same[^]*<td class="number">2<\/td>/,
  );
});
