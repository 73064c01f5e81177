// A desk without a world around it, for the tests of the tools.
import { did } from "../../contract/index.ts";
import { boardState } from "../board/entries.ts";
import * as Y from "yjs";
import { loadContext, type SessionContext } from "../tutor/context.ts";
import type { Args } from "./args.ts";
import type { Desk, Outcome } from "./desk.ts";
import { toolNamed } from "./index.ts";

export const SESSION = "0b7f6a3e-1f3c-4a55-9d3d-3f5b7f5a0001";
export const NOW = 1_767_323_045_678;

export const emptyContext = (): SessionContext => loadContext("{}", () => undefined);

export interface TestDeskOptions {
  readonly context?: SessionContext;
  readonly objects?: Readonly<Record<string, unknown>>;
  readonly board?: readonly unknown[];
}

export function testDesk(
  toolName: string,
  { context = emptyContext(), objects = {}, board = [] }: TestDeskOptions = {},
): Desk {
  const doc = new Y.Doc();
  for (const [id, value] of Object.entries(objects)) doc.getMap("objects").set(id, value);
  const world = {
    now: NOW,
    did,
    readBoard: () => Promise.resolve(boardState(doc, NOW)),
    askBoardState: () => Promise.resolve(board),
  };
  const g = did("draw", SESSION, 2, 0).slice(0, 8);
  return {
    toolName,
    draft: context,
    sessionId: SESSION,
    turnNo: 2,
    step: 0,
    g,
    world,
    actions: [],
    events: [],
    regionCount: 0,
  };
}

export async function use(
  name: string,
  args: Args,
  options: TestDeskOptions = {},
): Promise<{ desk: Desk; outcome: Outcome }> {
  const tool = toolNamed(name);
  if (!tool) throw new Error(`no tool ${name}`);
  const desk = testDesk(name, options);
  return { desk, outcome: await tool(args, desk) };
}
