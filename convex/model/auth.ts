// The only reader of the caller's identity. A user id is never an argument that grants anything.
import { ConvexError } from "convex/values";
import type { ActionCtx, MutationCtx, QueryCtx } from "../_generated/server.js";

type AnyCtx = Pick<QueryCtx | MutationCtx | ActionCtx, "auth">;

const refuse = (): never => {
  throw new ConvexError({ code: "FORBIDDEN" });
};

/** Subject of a token with role `user`. */
export async function requireUser(ctx: AnyCtx): Promise<string> {
  const identity = await ctx.auth.getUserIdentity();
  if (identity?.["role"] !== "user" || identity.subject === "") return refuse();
  return identity.subject;
}

/** Passes only the service's own token. */
export async function requireService(ctx: AnyCtx): Promise<void> {
  const identity = await ctx.auth.getUserIdentity();
  if (identity?.["role"] !== "service") refuse();
}
