// The report of the shadow (shadow §16): behind the login, and reading it changes no counter (P6).
import { withDeadline } from "./deadline.ts";
import { AdminError } from "./errors.ts";
import type { ReadingDeps } from "./reading.ts";
import type { AdminAnswer, AdminCall } from "./routes.ts";

/** Goal: 200 ms (shadow §17, row 20); of evidence that is many times larger it takes seconds. */
const DEADLINE_MS = 30_000;
const NAME_CHARS_MAX = 128;

export async function readShadowReport({ ports, clock }: ReadingDeps, { query }: AdminCall): Promise<AdminAnswer> {
  const asked = {
    unit: nameOf("unit", query),
    campaign: nameOf("campaign", query),
    sinceMs: sinceOf(query("sinceMs")),
  };
  if (ports.shadow === null) throw new AdminError("ADMIN_NOT_FOUND", "Nothing is mirrored here.", NEXT);
  const answer = await withDeadline(ports.shadow.report(asked), DEADLINE_MS, clock);
  if (answer.isFound) return { text: answer };
  const next = answer.next === "" ? NEXT : answer.next;
  throw new AdminError(answer.isThere ? "ADMIN_NOT_FOUND" : "ADMIN_UNAVAILABLE", answer.detail, next);
}

const NEXT = "docs/shadow.md has the steps.";
const EXAMPLE =
  "Ask as in /api/shadow/report?unit=orders&sinceMs=86400000; all three of unit, campaign and sinceMs may be left out.";

function nameOf(name: string, query: AdminCall["query"]): string | null {
  const value = query(name) ?? null;
  if (value !== null && (value === "" || value.length > NAME_CHARS_MAX)) {
    throw new AdminError("ADMIN_BAD_REQUEST", `${name} has 1 to ${NAME_CHARS_MAX} characters.`, EXAMPLE);
  }
  return value;
}

function sinceOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,13}$/.test(text)) {
    throw new AdminError("ADMIN_BAD_REQUEST", "sinceMs is a number of milliseconds.", EXAMPLE);
  }
  return Number(text);
}
