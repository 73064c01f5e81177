// What a tool works on: a draft of the session's context, the actions it emits, and where things go on the board.
import type { BoardState } from "../board/entries.ts";
import type { SessionContext } from "../tutor/context.ts";
import type { WhiteboardAction } from "../tutor/replay.ts";
import type { ConceptEvent } from "../tutor/userModel.ts";
import { type Region, reserveFlow } from "./allocator.ts";
import type { Args } from "./args.ts";

export type Outcome =
  /** The result goes back to the model. */
  | { readonly kind: "silent"; readonly result: unknown }
  /** Ends the turn with one envelope; `chatText` is the text of its chat row. */
  | { readonly kind: "reply"; readonly contentType: string; readonly data: object; readonly chatText: string };

/** The world outside the draft, as far as tools may look at it. */
export interface Surroundings {
  readonly now: number;
  readonly did: (kind: string, ...parts: readonly (string | number)[]) => string;
  readonly readBoard: () => Promise<BoardState>;
  /** Asks a client for its board (tutor-socket.md §8). */
  readonly askBoardState: (requestId: string) => Promise<readonly unknown[]>;
}

export interface Desk {
  readonly toolName: string;
  readonly draft: SessionContext;
  readonly sessionId: string;
  readonly turnNo: number;
  readonly step: number;
  /** Id part of everything this step draws. */
  readonly g: string;
  readonly world: Surroundings;
  readonly actions: WhiteboardAction[];
  readonly events: ConceptEvent[];
  regionCount: number;
}

export type Tool = (args: Args, desk: Desk) => Outcome | Promise<Outcome>;

export const BOARD_UPDATED = "I updated the board.";

export const reply = (contentType: string, data: object, chatText: string): Outcome => ({
  kind: "reply",
  contentType,
  data,
  chatText,
});

export type MessageType = "greeting" | "transition" | "summary" | "status_update" | "clarification";

export const message = (text: string, type: MessageType = "status_update", chatText = text): Outcome =>
  reply("message", { message_text: text, message_type: type }, chatText);

export const groupOf = (args: Args, desk: Desk): string =>
  typeof args["group_id"] === "string" ? args["group_id"] : desk.g;

/** Emits an action; a cleared board has all its regions free again (services.md §11). */
export function emit(desk: Desk, action: WhiteboardAction): void {
  desk.actions.push(action);
  const frees = action.type === "CLEAR_BOARD" || (action.type === "CLEAR_CANVAS" && action["scope"] !== "visual_only");
  if (frees) desk.draft.layout_regions = [];
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

/**
 * A free region of the size. On a full board a `CLEAR_BOARD` goes first and everything is free; what is larger than the
 * board lies at 0,0 without a region.
 */
export function reserve(desk: Desk, width: number, height: number, groupId: string): Place {
  const wanted = (): Region | null => {
    const regionId = desk.world.did("region", desk.sessionId, desk.turnNo, desk.regionCount);
    return reserveFlow(desk.draft.layout_regions, { width, height, regionId, groupId });
  };
  let region = wanted();
  if (!region && reserveFlow([], { width, height, regionId: "", groupId })) {
    desk.draft.layout_regions = [];
    if (desk.actions[0]?.type !== "CLEAR_BOARD") desk.actions.unshift({ type: "CLEAR_BOARD" });
    region = wanted();
  }
  if (!region) return { x: 0, y: 0 };
  desk.regionCount += 1;
  desk.draft.layout_regions = [...desk.draft.layout_regions, region];
  return { x: region.x, y: region.y };
}

/** Origin of a drawing: `x`,`y` when both are numbers, else a region of the nominal size (services.md §10). */
export function originOf(args: Args, desk: Desk, width: number, height: number): Place {
  const { x, y } = args;
  if (typeof x === "number" && typeof y === "number") return { x, y };
  return reserve(desk, width, height, groupOf(args, desk));
}
