// Two answers or messages under the application's rules in the core's comparer.
import { ROUTES, SHADOW } from "../../contract/index.ts";
import { compareExchange, NORMALISERS, type Observation, RuleBook, type Verdict } from "../../shadow/index.ts";

const WORDS = { normalisers: { ...NORMALISERS, ...SHADOW.normalisers }, statusClass: SHADOW.statusClass };
const CONTEXT = { delayMs: 300, nowMs: 0, shadow: "candidate" as const, conditions: SHADOW.conditions, ids: null };

export const BOOK = new RuleBook(SHADOW.rules, WORDS, () => 0, []);
/** While the models of both arms answer by themselves. */
const LIVE = new RuleBook([...SHADOW.rules, ...(SHADOW.liveModels?.rules ?? [])], WORDS, () => 0, []);
/** With the declared forms of answers. */
export const CHECKED = new RuleBook(SHADOW.rules, WORDS, () => 0, SHADOW.checks);

type Rules = ReturnType<RuleBook["forRoute"]>;

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text as it stands, anything else as JSON. */
  readonly body?: unknown;
}

function observed(arm: "control" | "candidate", { status = 200, headers = {}, body }: Answer): Observation {
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  const all = Object.entries({ "content-type": "application/json", ...headers });
  return {
    arm,
    role: arm === "control" ? "served" : "shadow",
    result: { reply: { status, headers: all.flat(), body: Buffer.from(text) } },
    isCut: false,
    firstByteMs: 1,
    totalMs: 1,
  };
}

const compared = (rules: Rules, control: Answer, candidate: Answer): Verdict =>
  compareExchange(observed("control", control), observed("candidate", candidate), rules, CONTEXT).verdict;

/** `METHOD /template`, or the name of a surface for its handshake. */
export function onRoute(route: string, control: Answer, candidate: Answer, book = BOOK): Verdict {
  const [method = "", path = ""] = route.split(" ");
  return compared(book.forRoute({ id: route, methods: [method], paths: [path] }), control, candidate);
}

/** Messages of one type of a surface. */
export const onMessage = (surface: string, type: string, control: unknown, candidate: unknown, book = BOOK): Verdict =>
  compared(book.forMessage(surface, type), { body: control }, { body: candidate });

/** `different breaking`, or the name of any other verdict. */
export const nameOf = (verdict: Verdict): string =>
  verdict.name === "different" ? `different ${verdict.severity}` : verdict.name;

/** `breaking type $.a`, for each difference that counts. */
export function toldOf(verdict: Verdict): readonly string[] {
  if (!("differences" in verdict)) return [];
  const counting = verdict.differences.filter(({ acceptedBy }) => acceptedBy === null);
  return counting.map(({ severity, kind, path }) => `${severity} ${kind} ${path}`);
}

const told = (verdict: Verdict): string => {
  const name = nameOf(verdict);
  return name === "identical" || name === "equivalent" ? "same" : name;
};

/** By a route's id, or the name of a surface for its handshake: `same`, or the name of the verdict. */
export function answers(id: string, control: Answer, candidate: Answer): string {
  const route = ROUTES.find((one) => one.id === id);
  return told(onRoute(route === undefined ? id : `${route.method} ${route.path}`, control, candidate));
}

export const bodies = (id: string, control: unknown, candidate: unknown, status = 200): string =>
  answers(id, { status, body: control }, { status, body: candidate });

export const messages = (surface: string, type: string, control: unknown, candidate: unknown): string =>
  told(onMessage(surface, type, control, candidate));

export const liveBodies = (id: string, control: unknown, candidate: unknown): string => {
  const route = ROUTES.find((one) => one.id === id);
  return told(onRoute(`${route?.method} ${route?.path}`, { body: control }, { body: candidate }, LIVE));
};

export const liveMessages = (surface: string, type: string, control: unknown, candidate: unknown): string =>
  told(onMessage(surface, type, control, candidate, LIVE));
