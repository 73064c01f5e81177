// What both backends are measured with: prepared once, then done over and over by users of their own.
import type { ArmOperation } from "../lib/goals.ts";
import { VoidMeasurement } from "../lib/void.ts";
import type { Backend } from "./backends.ts";
import { createFolder, createSession, openRest, type Rest } from "./rest.ts";
import { openTutor } from "./tutor.ts";
import { openBoard } from "./whiteboard.ts";

export const USERS = 16;
export const FOLDERS = 20;
/** Two rows of history each. */
export const TURNS = 20;
export const WATCHERS = 20;

/** One thing after another, as long as it is asked to. */
export type Step = () => Promise<void>;

export interface Work {
  readonly name: ArmOperation;
  /** "requests", "turns" or "updates". */
  readonly what: string;
  /** What each user does; users work beside each other. Afterwards `close`, whatever happened. */
  begin(): Promise<{ readonly steps: readonly Step[]; close(): Promise<void> }>;
}

export interface Works {
  readonly all: readonly Work[];
  close(): Promise<void>;
}

interface Learner {
  readonly token: string;
  readonly folder: string;
  /** Reads, each with the answer it had first: nothing that is measured changes it. */
  readonly folders: Read;
  readonly history: Read;
}

interface Read {
  readonly path: string;
  readonly answer: string;
}

const nothing = (): Promise<void> => Promise.resolve();

/** Folders, sessions and histories of the users, and the work on them. */
export async function prepareWork(backend: Backend, tokens: readonly string[]): Promise<Works> {
  const rest = openRest(backend, USERS);
  const learners = await Promise.all(tokens.slice(0, USERS).map((token) => prepareLearner(backend, rest, token)));
  const perLearner = (step: (learner: Learner) => Promise<void>) => () =>
    Promise.resolve({ steps: learners.map((learner) => () => step(learner)), close: nothing });
  const readAgain = async ({ path, answer }: Read, token: string): Promise<void> => {
    if ((await rest.get(path, token)) !== answer) throw new VoidMeasurement(`${backend.name}: ${path} has changed`);
  };
  const all: Work[] = [
    {
      name: "session-create",
      what: "requests",
      begin: perLearner(async ({ token, folder }) => void (await createSession(rest, token, folder))),
    },
    { name: "folder-list", what: "requests", begin: perLearner(({ folders, token }) => readAgain(folders, token)) },
    { name: "message-history", what: "requests", begin: perLearner(({ history, token }) => readAgain(history, token)) },
    { name: "tutor-turn", what: "turns", begin: () => beginTurns(backend, rest, learners) },
    { name: "whiteboard-fan-out", what: "updates", begin: () => beginDrawing(backend, rest, learners[0] as Learner) },
  ];
  return { all, close: () => rest.close() };
}

async function prepareLearner(backend: Backend, rest: Rest, token: string): Promise<Learner> {
  let folder = "";
  for (let at = 0; at < FOLDERS; at++) folder = await createFolder(rest, token, `Folder ${at}`);
  const session = await createSession(rest, token, folder);
  const tutor = await openTutor(backend, session, token);
  for (let turn = 0; turn < TURNS; turn++) await tutor.turn();
  await tutor.close();
  return { token, folder, folders: await readFolders(rest, token), history: await readHistory(rest, token, session) };
}

async function readFolders(rest: Rest, token: string): Promise<Read> {
  const path = "/api/v1/folders/";
  const answer = await rest.get(path, token);
  const { folders } = JSON.parse(answer) as { folders: unknown[] };
  if (folders.length !== FOLDERS) throw new VoidMeasurement(`${folders.length} of ${FOLDERS} folders were listed`);
  return { path, answer };
}

async function readHistory(rest: Rest, token: string, session: string): Promise<Read> {
  const path = `/api/v1/sessions/${session}/messages?limit=50`;
  const answer = await rest.get(path, token);
  const roles = (JSON.parse(answer) as { role: string }[]).map(({ role }) => role);
  const isWhole = roles.length === 2 * TURNS && roles[0] === "user" && roles.at(-1) === "assistant";
  if (!isWhole) throw new VoidMeasurement(`the history of ${TURNS} turns has the rows ${roles.join(", ")}`);
  return { path, answer };
}

/** In new sessions: the history of a turn must not depend on how many turns were measured before. */
async function beginTurns(backend: Backend, rest: Rest, learners: readonly Learner[]) {
  const tutors = await Promise.all(
    learners.map(async ({ token, folder }) => openTutor(backend, await createSession(rest, token, folder), token)),
  );
  return {
    steps: tutors.map((tutor) => () => tutor.turn()),
    close: async () => void (await Promise.all(tutors.map((tutor) => tutor.close()))),
  };
}

async function beginDrawing(backend: Backend, rest: Rest, { token, folder }: Learner) {
  const board = await openBoard(backend, await createSession(rest, token, folder), token, WATCHERS);
  return { steps: [() => board.change()], close: () => board.close() };
}
