import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Api, Unexpected } from "./apiClient.ts";
import { writePrivate } from "./secretFile.ts";

export interface Account {
  readonly email: string;
  readonly password: string;
  readonly name: string;
}

export interface SignedIn {
  readonly userId: string;
  readonly accessToken: string;
  /** Milliseconds the access token lives. */
  readonly lifetimeMs: number;
}

const NAMES = ["Ada", "Ben", "Chen", "Dina", "Emil", "Fatma", "Goran", "Hana", "Ivo", "Jara", "Kofi", "Lena"] as const;

/** One upper-case letter, one lower-case, one digit and one other character: what the contract asks (realtime-socket.md §9). */
const newPassword = (): string => `Aa1-${randomBytes(18).toString("base64url")}`;

function newAccounts(count: number): Account[] {
  // The accounts outlive a deleted `data/demo`; a suffix per making keeps new ones from meeting them.
  const suffix = randomBytes(3).toString("hex");
  return Array.from({ length: count }, (_, index) => {
    const name = NAMES[index % NAMES.length] ?? "Student";
    return { email: `${name.toLowerCase()}.${index + 1}.${suffix}@students.example`, password: newPassword(), name };
  });
}

/** The demo's own students, made once and kept in a private file; `isNew` on the first run in a clone. */
export function readOrMakeAccounts(
  file: string,
  count: number,
): { readonly accounts: readonly Account[]; readonly isNew: boolean } {
  const kept = readAccounts(file);
  if (kept && kept.length >= count) return { accounts: kept.slice(0, count), isNew: false };
  const accounts = newAccounts(count);
  writePrivate(file, `${JSON.stringify(accounts, null, 2)}\n`);
  return { accounts, isNew: true };
}

function readAccounts(file: string): Account[] | null {
  try {
    const list = JSON.parse(readFileSync(file, "utf8")) as unknown;
    const isAccount = (one: unknown): one is Account =>
      ["email", "password", "name"].every((key) => typeof (one as Record<string, unknown> | null)?.[key] === "string");
    return Array.isArray(list) && list.every(isAccount) ? list : null;
  } catch {
    return null;
  }
}

/** Logs in, or registers the first time. Accounts have one home whatever the flags say (contract G7). */
export async function signIn(api: Api, account: Account): Promise<SignedIn> {
  const { email, password, name } = account;
  const login = {
    method: "POST",
    name: "POST /api/auth/login",
    path: "/api/auth/login",
    body: { email, password },
  } as const;
  const answer = await api.call({ ...login, expect: [200, 401] });
  if (answer.status === 200) return readTokens(answer.json, login.name);
  const register = { method: "POST", name: "POST /api/auth/register", path: "/api/auth/register" } as const;
  const made = await api.call({ ...register, body: { email, password, name }, expect: [201] });
  return readTokens(made.json, register.name);
}

function readTokens(json: unknown, what: string): SignedIn {
  const { access_token, expires_in, user } = (json ?? {}) as Record<string, unknown>;
  const id = (user as Record<string, unknown> | undefined)?.["id"];
  if (typeof access_token !== "string" || typeof id !== "string") {
    throw new Unexpected(`${what} without a token`, { status: 200, json: null, retryAfterMs: 0 });
  }
  return { userId: id, accessToken: access_token, lifetimeMs: Number(expires_in ?? 1_800) * 1_000 };
}
