// The only registrations: who may call is decided here, before any argument is looked at.
import { customAction, customCtx, customMutation, customQuery } from "convex-helpers/server/customFunctions";
import { action, mutation, query } from "../_generated/server.js";
import { requireService, requireUser } from "./auth.ts";
import { requireProbes } from "./probe.ts";

const asUser = customCtx(async (ctx: Parameters<typeof requireUser>[0]) => ({ userId: await requireUser(ctx) }));
const asService = customCtx(async (ctx: Parameters<typeof requireService>[0]) => {
  await requireService(ctx);
  return {};
});

export const userQuery = customQuery(query, asUser);
export const userMutation = customMutation(mutation, asUser);
export const serviceQuery = customQuery(query, asService);
export const serviceMutation = customMutation(mutation, asService);

/** Of the contract suite of hosts only: the service's token does not open them where they are not switched on. */
const asProbe = customCtx(async (ctx: Parameters<typeof requireService>[0]) => {
  await requireService(ctx);
  requireProbes();
  return {};
});

export const probeQuery = customQuery(query, asProbe);
export const probeMutation = customMutation(mutation, asProbe);
export const probeAction = customAction(action, asProbe);
