// The only registrations: who may call is decided here, before any argument is looked at.
import { customCtx, customMutation, customQuery } from "convex-helpers/server/customFunctions";
import { mutation, query } from "../_generated/server.js";
import { requireService, requireUser } from "./auth.ts";

const asUser = customCtx(async (ctx: Parameters<typeof requireUser>[0]) => ({ userId: await requireUser(ctx) }));
const asService = customCtx(async (ctx: Parameters<typeof requireService>[0]) => {
  await requireService(ctx);
  return {};
});

export const userQuery = customQuery(query, asUser);
export const userMutation = customMutation(mutation, asUser);
export const serviceQuery = customQuery(query, asService);
export const serviceMutation = customMutation(mutation, asService);
