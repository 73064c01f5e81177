// Accounts (realtime-socket.md §9). Times are `naive` there.
import { z } from "zod";
import { count, jsonObject, naive, text } from "../fields.ts";

export const registerRequest = z.object({ email: z.string(), password: text(8, 128), name: text(1, 100) });
export const loginRequest = z.object({ email: z.string(), password: z.string() });
export const refreshRequest = z.object({ refresh_token: z.string() });
export const profileRequest = z.object({
  name: z.exactOptional(z.string()),
  learning_preferences: z.exactOptional(jsonObject),
  emotional_profile: z.exactOptional(jsonObject),
});

export const tokens = z.strictObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  token_type: z.literal("Bearer"),
  expires_in: count,
  user: z.strictObject({ id: z.string(), email: z.string(), name: z.string() }),
});

export const profile = z.strictObject({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  subscription_tier: z.literal("free"),
  total_sessions: count,
  created_at: naive,
  last_active: naive,
});

export const loggedOut = z.strictObject({ message: z.literal("Logged out successfully") });

export type Tokens = z.infer<typeof tokens>;
export type Profile = z.infer<typeof profile>;
