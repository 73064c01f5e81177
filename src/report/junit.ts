// For machines that show tests: a case for each route and for the coverage; not enough data is skipped, never passed (ux §6).
import { coverageText, moment, sentence } from "./format.ts";
import { type Markup, markup } from "./markup.ts";
import type { Finding, RouteReport, ShadowReport } from "./model.ts";

export function toJunit({ head, routes }: ShadowReport): string {
  const { unit, campaign, window, readiness } = head;
  const ofUnit = readiness.because.filter(({ route }) => route === null);
  const cases = [
    { name: "coverage", outcome: outcomeOf(ofUnit, head) },
    ...routes.map((route) => ({ name: route.route, outcome: outcomeOfRoute(route, readiness.because) })),
  ];
  const counted = (element: string): number => cases.filter(({ outcome }) => outcome?.element === element).length;
  const properties = [
    ["campaign", campaign.id],
    ["control", `${campaign.backends.control} ${campaign.builds.control}`],
    ["candidate", `${campaign.backends.candidate} ${campaign.builds.candidate}`],
    ["rules", campaign.rulesHash],
    ["from", moment(window.fromMs)],
    ["to", moment(window.toMs)],
    ["readiness", `${readiness.state}: ${readiness.text}`],
    ["coverage", coverageText(head)],
  ] as const;
  const counts = markup`tests="${cases.length}" failures="${counted("failure")}" errors="0" skipped="${counted("skipped")}"`;
  return markup`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="switchyard shadow report" ${counts}>
  <testsuite name="${unit}" ${counts}>
    <properties>
${properties.map(([name, value]) => markup`      <property name="${name}" value="${value}"/>\n`)}    </properties>
${cases.map(({ name, outcome }) => testCase(`shadow.${unit}`, name, outcome))}  </testsuite>
</testsuites>
`.text;
}

interface Outcome {
  readonly element: "failure" | "skipped";
  readonly text: string;
}

function testCase(className: string, name: string, outcome: Outcome | null): Markup {
  const head = markup`    <testcase classname="${className}" name="${name}"`;
  if (outcome === null) return markup`${head}/>\n`;
  const { element, text } = outcome;
  // JUnit's readers show the message; some only the text.
  const inner =
    element === "failure"
      ? markup`<failure type="not ready" message="${text}">${text}</failure>`
      : markup`<skipped message="${text}"/>`;
  return markup`${head}>\n      ${inner}\n    </testcase>\n`;
}

/** Never without the coverage (shadow §16). */
function outcomeOf(
  findings: readonly Finding[],
  figures: { coverage: number | null; sampled: number },
): Outcome | null {
  if (findings.length === 0) return null;
  const element = findings.some(({ state }) => state === "not ready") ? "failure" : "skipped";
  const isTold = findings.some(({ rule }) => rule === "coverage");
  const texts = [...findings.map(({ text }) => text), ...(isTold ? [] : [coverageText(figures)])];
  return { element, text: `${texts.map(sentence).join(". ")}.` };
}

function outcomeOfRoute(route: RouteReport, findings: readonly Finding[]): Outcome | null {
  if (route.notMirrored !== null) return { element: "skipped", text: `Not mirrored: ${route.notMirrored}.` };
  return outcomeOf(
    findings.filter((one) => one.route === route.route),
    route,
  );
}
