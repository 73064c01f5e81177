// Digest and export of one user (contract rest.md §7).
import { api } from "../../../convex/_generated/api.js";
import { HttpError } from "../http/errors.ts";
import { AS_SERVICE } from "../ports.ts";
import type { Services } from "../services.ts";
import { createSectionHash, type Section, topHashes } from "./digest.ts";
import { createSpool, type Spool } from "./spool.ts";
import { type UserRow, type UserRows, userRows } from "./userRows.ts";

/** Rows that are past their time do not count, purged or not. */
const living = (rows: readonly UserRow[], now: number): UserRow[] =>
  rows.filter(({ keptUntil }) => keptUntil === null || keptUntil > now);

interface Hashed {
  readonly sections: Readonly<Record<string, Section>>;
  readonly hash: string;
  readonly full_hash: string;
}

async function hashed(rows: readonly UserRow[], kinds: readonly string[], spool: Spool): Promise<Hashed> {
  const hashes = new Map(kinds.toSorted().map((kind) => [kind, createSectionHash()]));
  for (const row of rows) {
    const full = await spool.get(row.full);
    hashes.get(row.kind)?.add({ full, bare: row.bare === "" ? full : await spool.get(row.bare) });
  }
  const sections = Object.fromEntries([...hashes].map(([kind, hash]) => [kind, hash.end()]));
  return { sections, ...topHashes(sections) };
}

async function withRowsOf<T>(
  services: Services,
  userId: string,
  keepsLines: boolean,
  use: (rows: UserRow[], all: UserRows, spool: Spool) => Promise<T>,
): Promise<T> {
  const spool = createSpool();
  try {
    const all = await userRows(services, userId, spool, keepsLines);
    return await use(living(all.rows, services.clock.now()), all, spool);
  } catch (error) {
    await spool.close();
    throw error;
  }
}

export const userDigest = (services: Services, userId: string): Promise<object> =>
  withRowsOf(services, userId, false, async (rows, { kinds, cursor }, spool) => {
    const { sections, ...top } = await hashed(rows, kinds, spool);
    await spool.close();
    return { user_id: userId, cursor, sections, ...top };
  });

/** A round removes up to a hundred rows: nobody has as many, but somebody may write as fast as they are removed. */
const CLEAR_ROUNDS_MAX = 100_000;

/**
 * Of shadow instances only. Sockets of the user's sessions are closed: there is nothing left to talk about.
 * @throws HttpError 503 when there is more after so many rounds; asked again, it goes on from there
 */
export async function clearUser(
  { store, closeSession }: Services,
  userId: string,
  roundsMax = CLEAR_ROUNDS_MAX,
): Promise<void> {
  for (let round = 0; round < roundsMax; round++) {
    const { more, session } = await store.mutation(api.changes.clearUser, { userId }, AS_SERVICE);
    if (session !== null) closeSession(session);
    if (!more) return;
  }
  throw new HttpError(503, null, `The user still has rows after ${roundsMax} rounds of removing them.`);
}

async function* exportLines(rows: readonly UserRow[], spool: Spool, last: string): AsyncGenerator<string> {
  try {
    yield "";
    for (const row of rows) yield `${await spool.get(row.line)}\n`;
    yield `${last}\n`;
  } finally {
    await spool.close();
  }
}

/** The rows are gathered before the first line: what fails by then is an error like any other. */
export const userExport = (services: Services, userId: string): Promise<AsyncIterable<string>> =>
  withRowsOf(services, userId, true, async (rows, { kinds, cursor }, spool) => {
    const { full_hash } = await hashed(rows, kinds, spool);
    const lines = exportLines(rows, spool, JSON.stringify({ cursor, full_hash }));
    // Begun, so that it also ends, and its file goes, when nobody reads it.
    await lines.next();
    return lines;
  });
