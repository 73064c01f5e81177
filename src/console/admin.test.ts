import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test, type TestContext } from "node:test";
import type { AdminProblem } from "./errors.ts";
import type { SampleRemovals, SamplesGone, ShadowReports } from "./ports.ts";
import { type AdminFixture, type FixtureOptions, startAdminFixture } from "./testing/adminFixture.ts";
import type { ExplainView, FlagsView, KillsView, PinsView, StatusView } from "./views.ts";

interface Caller extends AdminFixture {
  get<T>(path: string, token?: string): Promise<{ status: number; body: T }>;
  post<T>(path: string, body: unknown, token?: string): Promise<{ status: number; body: T }>;
}

async function start(t: TestContext, options: FixtureOptions = {}): Promise<Caller> {
  const fixture = await startAdminFixture(options);
  t.after(() => fixture.close());
  const own = fixture.operateTokenFile === null ? undefined : (await readFile(fixture.operateTokenFile, "utf8")).trim();
  const call = async <T>(
    path: string,
    token: string | undefined,
    init: RequestInit,
  ): Promise<{ status: number; body: T }> => {
    const headers = {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const response = await fetch(`${fixture.url}${path}`, { ...init, headers });
    return { status: response.status, body: (await response.json()) as T };
  };
  return {
    ...fixture,
    get: (path, token) => call(path, token, {}),
    post: (path, body, token = own) => call(path, token, { method: "POST", body: JSON.stringify(body) }),
  };
}

test("/livez answers while the loop runs, /readyz says what is missing and never depends on an arm", async (t) => {
  const admin = await start(t, { isReady: false, ports: { arms: () => Promise.reject(new Error("no worker")) } });
  assert.equal((await admin.get("/livez")).status, 200);
  const { status, body } = await admin.get<{ checks: Record<string, boolean>; arms: null }>("/readyz");
  assert.equal(status, 503);
  assert.equal(body.checks["flags"], false);
  assert.equal(body.arms, null);
});

test("/readyz is 200 with a dead arm, lists both arms and tells no address", async (t) => {
  const admin = await start(t);
  const { status, body } = await admin.get<{ arms: unknown }>("/readyz");
  assert.equal(status, 200);
  assert.deepEqual(body.arms, [
    { arm: "control", backend: "legacy", ready: 1, instances: 1 },
    { arm: "candidate", backend: "convex", ready: 0, instances: 1 },
  ]);
});

test("/metrics passes the Prometheus text on, and needs the view token where it is not open", async (t) => {
  const [view, operate] = ["v".repeat(32), "o".repeat(32)];
  const admin = await start(t, { viewToken: view, operateToken: operate, isMetricsOpen: false });
  const ask = (headers: Record<string, string>) => fetch(`${admin.url}/metrics`, { headers });
  assert.equal((await ask({})).status, 401);
  const answer = await ask({ authorization: `Bearer ${view}` });
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4");
  assert.match(await answer.text(), /switchyard_build_info/);
});

test("with the generated token reading on loopback is open and changing is not", async (t) => {
  const admin = await start(t);
  assert.equal((await admin.get("/api/status")).status, 200);
  const refused = await fetch(`${admin.url}/api/kill`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"reason":"x"}',
  });
  assert.equal(refused.status, 401);
  assert.match(((await refused.json()) as AdminProblem).next, /operate\.token/);
});

test("with configured tokens reading needs one of them, and probes do not", async (t) => {
  const admin = await start(t, { viewToken: "v".repeat(32), operateToken: "o".repeat(32) });
  assert.equal((await admin.get("/api/status")).status, 401);
  assert.equal((await admin.get("/api/status", "v".repeat(32))).status, 200);
  assert.equal((await admin.get("/api/status", "o".repeat(32))).status, 200);
  assert.equal((await admin.get("/livez")).status, 200);
});

test("with a view token alone nothing can be changed, and the answer says how to allow it", async (t) => {
  const admin = await start(t, { viewToken: "v".repeat(32) });
  const { status, body } = await admin.post<AdminProblem>("/api/kill", { reason: "x" }, "v".repeat(32));
  assert.equal(status, 403);
  assert.match(body.next, /operateTokenEnv/);
});

test("ten wrong tokens lock the address out, the right one included; the probes stay", async (t) => {
  const admin = await start(t);
  for (let at = 0; at < 10; at += 1)
    assert.equal((await admin.post("/api/kill", { reason: "x" }, "w".repeat(40))).status, 401);
  const locked = await admin.post<AdminProblem>("/api/kill", { reason: "x" });
  assert.equal(locked.status, 429);
  assert.match(locked.body.next, /Wait \d+ s/);
  assert.deepEqual(admin.flags.state.data.overrides.kills, []);
  assert.equal((await admin.get("/livez", "w".repeat(40))).status, 200);
});

test("more than a burst of requests is answered 429, and the probes are not counted", async (t) => {
  const admin = await start(t);
  const answers = await Promise.all(Array.from({ length: 80 }, () => admin.get("/api/kill")));
  const statuses = new Set(answers.map((answer) => answer.status));
  assert.deepEqual([...statuses].sort(), [200, 429]);
  const probes = await Promise.all(Array.from({ length: 80 }, () => admin.get("/livez")));
  assert.ok(probes.every((probe) => probe.status === 200));
});

test("a flag moves subjects at once, with actor and reason recorded", async (t) => {
  const admin = await start(t);
  const { status } = await admin.post("/api/flags", {
    unit: "tutoring",
    percent: 12.5,
    reason: "first eighth",
    actor: "ada",
  });
  assert.equal(status, 200);
  const { body } = await admin.get<FlagsView>("/api/flags");
  assert.deepEqual(
    body.flags.map(({ unit, exposurePercent, fixed }) => [unit, exposurePercent, fixed]),
    [
      ["tutoring", 12.5, null],
      ["accounts", 0, "control"],
    ],
  );
  assert.deepEqual(admin.changes, [
    {
      event: "flags.set",
      actor: "person:ada",
      reason: "first eighth",
      details: { unit: "tutoring", flag: "switchyard.tutoring", percent: 12.5 },
    },
  ]);
});

test("bad changes are refused with the field, and nothing is recorded", async (t) => {
  const admin = await start(t);
  const cases: readonly (readonly [string, unknown, number, RegExp])[] = [
    ["/api/flags", { unit: "tutoring", percent: 101, reason: "x" }, 400, /percent/],
    ["/api/flags", { unit: "tutoring", percent: 12.55, reason: "x" }, 400, /one decimal/],
    ["/api/flags", { unit: "tutoring", percent: "25", reason: "x" }, 400, /percent/],
    ["/api/flags", { unit: "tutoring", percent: 25, reason: " " }, 400, /reason/],
    ["/api/flags", { unit: "tutoring", percent: 25, reason: "two\nlines" }, 400, /control characters/],
    ["/api/flags", { unit: "tutoring", percent: 25, reason: "x", actor: "a b" }, 400, /actor/],
    ["/api/flags", { unit: "tutoring", percent: 25, reason: "x", file: "/etc/passwd" }, 400, /file/],
    ["/api/flags", { unit: "__proto__", percent: 25, reason: "x" }, 404, /no unit/],
    ["/api/flags", { unit: "accounts", percent: 25, reason: "x" }, 409, /fixes unit/],
    ["/api/pins", { subject: "u_1", arm: "candidate", reason: "x" }, 400, /forMs/],
    ["/api/pins", { subject: "u_1", arm: "candidate", forMs: 31 * 86_400_000, reason: "x" }, 400, /forMs/],
    ["/api/pins", { subject: "u_1", arm: "legacy", forMs: 60_000, reason: "x" }, 400, /arm/],
    ["/api/pins/remove", { id: "p_none", reason: "x" }, 404, /no pin/],
    ["/api/kill", { layer: "L4", reason: "x" }, 400, /layer/],
    ["/api/kill/clear", { layer: "L0", reason: "x" }, 409, /not active/],
    ["/api/kill", [], 400, /body/],
  ];
  for (const [path, body, status, detail] of cases) {
    const answer = await admin.post<AdminProblem>(path, body);
    assert.equal(answer.status, status, JSON.stringify(body));
    assert.match(answer.body.detail, detail);
    assert.ok(answer.body.next.length > 0);
  }
  assert.deepEqual(admin.changes, []);
});

test("the kill switch holds from the answer on, beats the flag, and is cleared layer by layer", async (t) => {
  const admin = await start(t);
  await admin.post("/api/flags", { unit: "tutoring", percent: 100, reason: "all" });
  const arm = async () => (await admin.get<ExplainView>("/api/explain?user=u_81&route=GET%20/api/v1/sessions/s1")).body;
  assert.equal((await arm()).arm, "candidate");
  const on = await admin.post<KillsView>("/api/kill", { reason: "errors" });
  assert.deepEqual(
    on.body.kills.map(({ layer, actor }) => [layer, actor]),
    [["L1", "token:operate"]],
  );
  const killed = await arm();
  assert.deepEqual([killed.arm, killed.reason, killed.ruleId], ["control", "kill-switch", "kill:L1"]);
  assert.match(killed.because, /errors/);
  const { body: status } = await admin.get<StatusView>("/api/status");
  assert.equal(status.units[0]?.exposurePercent, 0);
  const off = await admin.post<KillsView>("/api/kill/clear", { layer: "L1", reason: "repaired" });
  assert.deepEqual(off.body.kills, []);
  assert.equal((await arm()).arm, "candidate");
});

test("a pin sends one subject elsewhere; its id shows in clear to the operate token only", async (t) => {
  const admin = await start(t);
  const added = await admin.post<{ pin: { id: string } }>("/api/pins", {
    subject: "u_81",
    arm: "candidate",
    forMs: 60_000,
    reason: "tester",
  });
  const open = await admin.get<PinsView>("/api/pins");
  assert.deepEqual(
    open.body.pins.map((pin) => pin.subject),
    ["hash-of-4-characters"],
  );
  const token = (await readFile(admin.operateTokenFile as string, "utf8")).trim();
  const operate = await admin.get<PinsView>("/api/pins", token);
  assert.deepEqual(
    operate.body.pins.map((pin) => pin.subject),
    ["u_81"],
  );
  const explained = await admin.get<ExplainView>("/api/explain?user=u_81&route=GET%20/api/v1/sessions/s1");
  assert.equal(explained.body.reason, "pinned");
  assert.doesNotMatch(JSON.stringify(explained.body), /u_81/);
  assert.equal((await admin.post("/api/pins/remove", { id: added.body.pin.id, reason: "over" })).status, 200);
  assert.deepEqual((await admin.get<PinsView>("/api/pins")).body.pins, []);
  assert.doesNotMatch(JSON.stringify(admin.changes), /u_81/);
});

test("explain names the bucket and share, the sockets, and a fixed route", async (t) => {
  const admin = await start(t);
  const { body } = await admin.get<ExplainView>("/api/explain?subject=u_81&route=WS%20/ws/v2/session/s1");
  assert.match(body.because, /^flag-off: "tutoring" is at 0 %, .* is in bucket \d+\.\d of 100/);
  assert.deepEqual(
    body.sockets?.map(({ arm, route }) => [arm, route]),
    [["control", "WS /ws/v2/session/:id"]],
  );
  const fixed = await admin.get<ExplainView>("/api/explain?route=POST%20/api/auth/login");
  assert.deepEqual([fixed.body.arm, fixed.body.reason], ["control", "fixed"]);
  const nobody = await admin.get<ExplainView>("/api/explain?route=GET%20/api/v1/sessions/s1");
  assert.equal(nobody.body.reason, "no-subject");
});

test("explain of an unknown route names the nearest one", async (t) => {
  const admin = await start(t);
  const { status, body } = await admin.get<AdminProblem>("/api/explain?user=u_81&route=GET%20/api/v1/sesions");
  assert.equal(status, 404);
  assert.match(body.next, /GET \/api\/v1\/sessions\/:id/);
  assert.equal((await admin.get("/api/explain?user=u_81")).status, 400);
  assert.equal((await admin.get("/api/explain?user=u_81&route=nonsense")).status, 400);
  assert.equal((await admin.get(`/api/explain?user=${"u".repeat(129)}&route=GET%20/x`)).status, 400);
});

test("status stays whole when the workers do not answer, and says so", async (t) => {
  const silent = () => new Promise<never>(() => undefined);
  const admin = await start(t, { ports: { arms: silent, totals: silent, socketsOf: silent } });
  const [status, explained] = await Promise.all([
    admin.get<StatusView>("/api/status"),
    admin.get<ExplainView>("/api/explain?user=u_81&route=GET%20/api/v1/sessions/s1"),
  ]);
  assert.equal(status.status, 200);
  assert.equal(status.body.arms, null);
  assert.equal(status.body.units.length, 2);
  assert.equal(explained.body.sockets, null);
});

test("a failure of ours is told to the log, never to the caller", async (t) => {
  const fault = new TypeError("secret detail");
  const admin = await start(t, {
    ports: {
      configuration: () => {
        throw fault;
      },
    },
  });
  const { status, body } = await admin.get<AdminProblem>("/api/config");
  assert.equal(status, 500);
  assert.doesNotMatch(JSON.stringify(body), /secret detail/);
  assert.deepEqual(admin.failures, [fault]);
});

test("an unknown path lists the known ones, a wrong method names the right one", async (t) => {
  const admin = await start(t);
  assert.match((await admin.get<AdminProblem>("/api/nope")).body.next, /\/api\/status/);
  const answer = await fetch(`${admin.url}/api/kill/clear`);
  assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "POST"]);
  await answer.body?.cancel();
});

test("close lets go of the port", async () => {
  const fixture = await startAdminFixture();
  await fetch(`${fixture.url}/livez`).then((answer) => answer.text());
  await fixture.close();
  await assert.rejects(fetch(`${fixture.url}/livez`));
});

test("shadow P6: the report needs the login, answers as it was written, and says why there is none", async (t) => {
  const [view, operate] = ["v".repeat(32), "o".repeat(32)];
  const asked: unknown[] = [];
  const text = '{\n  "schemaVersion": 2\n}\n';
  const shadow: ShadowReports = {
    report: (what) => {
      asked.push(what);
      if (what.unit === "none")
        return Promise.resolve({
          isFound: false,
          isThere: true,
          detail: 'There is no evidence of unit "none".',
          next: "",
        });
      if (what.unit === "broken")
        return Promise.resolve({ isFound: false, isThere: false, detail: "It cannot be read.", next: "Look at it." });
      return Promise.resolve({ isFound: true, contentType: "application/json", text });
    },
  };
  const admin = await start(t, { viewToken: view, operateToken: operate, ports: { shadow } });
  const ask = (query: string, token: string | null = view) =>
    fetch(
      `${admin.url}/api/shadow/report${query}`,
      token === null ? {} : { headers: { authorization: `Bearer ${token}` } },
    );
  assert.equal((await ask("", null)).status, 401);
  assert.equal((await ask("", "x".repeat(32))).status, 401);
  assert.deepEqual(asked, [], "nothing is read for nobody");
  const answer = await ask("?unit=orders&campaign=c0&sinceMs=60000");
  assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "application/json"]);
  assert.equal(await answer.text(), text);
  assert.deepEqual(asked, [{ unit: "orders", campaign: "c0", sinceMs: 60_000 }]);
  assert.equal((await ask("?unit=none")).status, 404);
  assert.equal((await ask("?unit=broken")).status, 503);
  for (const wrong of ["?unit=", `?campaign=${"c".repeat(129)}`, "?sinceMs=1d", "?sinceMs=-1"]) {
    assert.equal((await ask(wrong)).status, 400, wrong);
  }
  assert.equal(asked.length, 3);
  const without = await start(t);
  assert.equal((await without.get("/api/shadow/report")).status, 404);
});

test("shadow P5: samples are removed with the operate token, audited without the name, and what is left is told", async (t) => {
  const [view, operate] = ["v".repeat(32), "o".repeat(32)];
  const asked: string[] = [];
  const damaged = { where: "shadow-1.sqlite3", why: "broken", isForGood: true };
  const busy = { where: "shadow-2.sqlite3", why: "busy", isForGood: false };
  const answers: Record<string, SamplesGone> = {
    u_81: { samples: 7, campaigns: 2, left: [] },
    u_damaged: { samples: 1, campaigns: 1, left: [damaged] },
    u_busy: { samples: 4, campaigns: 3, left: [damaged, busy] },
  };
  const remove: SampleRemovals["remove"] = async (subject) => {
    asked.push(subject);
    return answers[subject] ?? { samples: 0, campaigns: 0, left: [] };
  };
  const admin = await start(t, { viewToken: view, operateToken: operate, ports: { samples: { remove } } });
  const ask = async (body: unknown, how: { readonly token?: string | null; readonly method?: string } = {}) => {
    const { token = operate, method = "DELETE" } = how;
    const response = await fetch(`${admin.url}/api/shadow/samples`, {
      method,
      headers: { "content-type": "application/json", ...(token !== null && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const whole = { subject: "u_81", reason: "asked for by mail", actor: "ada" };
  assert.equal((await ask(whole, { token: null })).status, 401);
  assert.equal((await ask(whole, { token: view })).status, 403);
  assert.equal((await ask(whole, { method: "POST" })).status, 405);
  for (const wrong of [{ subject: "u_81" }, { reason: "r" }, { ...whole, subject: "" }, { ...whole, unit: "u" }]) {
    assert.equal((await ask(wrong)).status, 400, JSON.stringify(wrong));
  }
  assert.deepEqual([asked, admin.changes], [[], []]);
  const gone = await ask(whole);
  assert.deepEqual(gone, { status: 200, body: { schemaVersion: 1, samples: 7, campaigns: 2, left: [] } });
  assert.deepEqual(
    (await ask({ ...whole, subject: "u_nobody" })).body["samples"],
    0,
    "nothing to remove is no failure",
  );
  const left = await ask({ ...whole, subject: "u_damaged" });
  assert.deepEqual([left.status, left.body["left"]], [200, [{ where: "shadow-1.sqlite3", why: "broken" }]]);
  const again = await ask({ ...whole, subject: "u_busy" });
  assert.equal(again.status, 503);
  assert.match(
    String(again.body["detail"]),
    /Removed: 4 in 3 campaigns.*shadow-1\.sqlite3: broken, shadow-2\.sqlite3: busy/,
  );
  assert.deepEqual(
    admin.changes.map(({ event, actor, reason, details }) => [
      event,
      actor,
      reason,
      details["samples"],
      details["left"],
    ]),
    [7, 0, 1, 4].map((samples, at) => [
      "samples.removed",
      "person:ada",
      "asked for by mail",
      samples,
      [0, 0, 1, 2][at],
    ]),
  );
  assert.doesNotMatch(JSON.stringify([admin.changes, again, left]), /u_\w+/);
});
