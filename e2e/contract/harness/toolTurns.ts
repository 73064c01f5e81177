import type { Json } from "../../support/index.ts";
import type { Context } from "./context.ts";
import { drawn, X, Y, type Drawn } from "./drawn.ts";
import { match } from "./match.ts";
import type { Tutor } from "./tutor.ts";
import { boardMessage, errorEnvelope } from "./tutorShapes.ts";

/** A tutor socket of a new session of a new person. */
export async function newTutor(c: Context): Promise<{ session: string; tutor: Tutor }> {
  const user = c.user();
  const session = await c.session(user);
  return { session, tutor: await c.tutor(user, session) };
}

/** Tool, arguments, the actions it must send; each in a turn of its own. */
export type ToolRow = [tool: string, args: Json, ...actions: Json[]];

export async function sends(c: Context, rows: readonly ToolRow[]): Promise<void> {
  const { tutor } = await newTutor(c);
  for (const [tool, args, ...actions] of rows) match(await tutor.tool(tool, args), boardMessage(...actions), tool);
}

/** Arguments that stay invalid through all attempts (services §1). */
export async function refuses(c: Context, tool: string, rows: readonly Json[]): Promise<void> {
  const { tutor } = await newTutor(c);
  for (const args of rows) {
    match(
      await tutor.tool(tool, args),
      errorEnvelope("TOOL_INPUT_VALIDATION_ERROR"),
      `${tool} ${JSON.stringify(args).slice(0, 80)}`,
    );
  }
}

/** One turn that calls a drawing tool at X,Y of a fresh session. */
export async function draws(c: Context, tool: string, args: Json, objects: readonly Drawn[]): Promise<void> {
  const { session, tutor } = await newTutor(c);
  const reply = await tutor.tool(tool, { x: X, y: Y, ...args });
  match(reply, boardMessage(drawn(tool, session, 2, objects)));
}
