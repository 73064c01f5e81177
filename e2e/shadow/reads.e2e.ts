// What a learner makes and reads over REST, on either arm, is made and read once more on the other arm's shadow target: nothing differs.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  call,
  createIssuer,
  type Found,
  nonce,
  type Reply,
  type ShadowWorld,
  startShadowWorld,
  TEST_SECRET,
  type User,
} from "../support/index.ts";

let world: ShadowWorld;
before(async () => {
  world = await startShadowWorld();
});
after(() => world.stop());

const issuer = createIssuer(TEST_SECRET);

const ask = (user: User, method: string, path: string, body?: object): Promise<Reply> =>
  call(world.proxy.baseUrl, {
    method,
    path,
    headers: { authorization: `Bearer ${user.token}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

async function made(user: User, path: string, body: object): Promise<string> {
  const reply = await ask(user, "POST", path, body);
  assert.equal(reply.status, 201, reply.text);
  const { id, session_id } = reply.json() as { id?: string; session_id?: string };
  return session_id ?? id ?? "";
}

const BELOW_A_SESSION = [
  "",
  "/messages",
  "/messages?page=1&size=5",
  "/interactions",
  "/board_summary",
  "/board_insights",
  "/whiteboard_snapshot",
  "/documents",
  "/analysis",
  "/plan",
  "/lesson_plan",
  "/lesson",
  "/quiz",
  "/session_analysis",
  "/jobs",
];

/** Folders and sessions, changed, removed, and everything that can be read of them; also what is not there. */
async function live(user: User): Promise<readonly string[]> {
  const folder = await made(user, "/api/v1/folders/", { name: `Algebra ${nonce()}` });
  const other = await made(user, "/api/v1/folders/", { name: `Größe ∑ ${nonce()}` });
  const session = await made(user, "/api/v1/sessions", { folder_id: folder });
  const gone = await made(user, "/api/v1/sessions", {});
  assert.equal((await ask(user, "PATCH", `/api/v1/folders/${other}`, { name: `Renamed ${nonce()}` })).status, 200);
  const log = { section: "1", topic: "Fractions", summary: "Fractions are parts of a whole." };
  assert.equal((await ask(user, "POST", `/api/v1/sessions/${session}/log/summary`, log)).status, 204);
  assert.equal((await ask(user, "DELETE", `/api/v1/sessions/${gone}`)).status, 204);
  assert.equal((await ask(user, "DELETE", `/api/v1/folders/${other}`)).status, 204);
  const paths = [
    "/api/v1/folders/",
    `/api/v1/folders/${folder}`,
    `/api/v1/folders/${other}`,
    "/api/v1/sessions",
    ...BELOW_A_SESSION.map((below) => `/api/v1/sessions/${session}${below}`),
    `/api/v1/sessions/${gone}`,
    `/api/v1/sessions/${gone}/messages`,
    "/api/v1/sessions/not-an-id",
    "/api/v1/sessions/nowhere/at/all",
  ];
  for (const path of paths) await ask(user, "GET", path);
  await Promise.all(paths.map((path) => ask(user, "GET", path)));
  return paths;
}

const told = ({ route, template, kind, control, candidate, differing }: Found): string =>
  `${route} ${template} ${kind}: ${control} → ${candidate} (${differing} times)`;

async function nothingDiffers(user: User, shadow: "control" | "candidate", paths: readonly string[]): Promise<void> {
  const now = await world.shadowSettled();
  const different = now.sum("switchyard_shadow_comparisons_total", { verdict: "different" });
  const sides: string[] = [];
  if (different > 0) {
    for (const path of paths) {
      const [served, other] = await Promise.all([ask(user, "GET", path), world.askTarget(shadow, user, path)]);
      if (served.status !== other.status || served.text !== other.text)
        sides.push(
          `${path}\n  served ${served.status} ${served.text}\n  ${shadow}'s target ${other.status} ${other.text}`,
        );
    }
  }
  assert.equal(different, 0, [...world.families().map(told), ...sides].join("\n"));
  assert.equal(now.sum("switchyard_shadow_comparisons_total", { verdict: "shadow_failed" }), 0);
  assert.equal(now.sum("switchyard_shadow_accounting_gap"), 0);
}

test("control serves, the candidate's target answers alike", async () => {
  const user = issuer.user();
  const paths = await live(user);
  await nothingDiffers(user, "candidate", paths);
});

test("the candidate serves, control's target answers alike", async () => {
  await world.admin.setFlag("tutoring", 100);
  const user = issuer.user();
  const paths = await live(user);
  await nothingDiffers(user, "control", paths);
});

test("everything that was sampled was compared, and nothing was left out in silence", async () => {
  const now = await world.shadowSettled();
  const sampled = now.sum("switchyard_shadow_sampled_total");
  const compared = now.sum("switchyard_shadow_comparisons_total");
  assert.ok(compared >= 80, `${compared} of ${sampled}`);
  assert.equal(compared, sampled, now.text.match(/^switchyard_shadow_not_compared_total.*$/gm)?.join("\n"));
});
