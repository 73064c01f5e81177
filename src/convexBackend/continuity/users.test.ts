import assert from "node:assert/strict";
import { test } from "node:test";
import type { Services } from "../services.ts";
import { clearUser } from "./users.ts";

/** A store that says "more" so many times. */
function scripted(rounds: number) {
  const seen = { rounds: 0, closed: [] as string[] };
  const mutation = async () => {
    seen.rounds += 1;
    return { more: seen.rounds < rounds, session: seen.rounds === 1 ? "s1" : null };
  };
  const closeSession = (id: string) => void seen.closed.push(id);
  return { seen, services: { store: { mutation }, closeSession } as unknown as Services };
}

test("a user is forgotten round by round, and the sockets of the sessions are closed", async () => {
  const { seen, services } = scripted(5);
  await clearUser(services, "ann", 5);
  assert.deepEqual(seen, { rounds: 5, closed: ["s1"] });
});

test("a user whose rows never end is given up with a clear error", { timeout: 5_000 }, async () => {
  const { seen, services } = scripted(Number.POSITIVE_INFINITY);
  await assert.rejects(clearUser(services, "ann", 50), {
    name: "HttpError",
    status: 503,
    message: "The user still has rows after 50 rounds of removing them.",
  });
  assert.equal(seen.rounds, 50);
});
