import assert from "node:assert/strict";
import { eventually, type Json } from "../support/index.ts";
import { explanation, item, match, startOwn, type ItemOptions } from "./harness/index.ts";

const OWN: ItemOptions = { on: "own", timeoutMs: 60_000 };

item(
  "README §5",
  "SIGTERM: running turns are finished, sockets close 1012, the process exits 0",
  async (c) => {
    const { arm, at } = await startOwn(c);
    const user = at.user();
    const session = await at.session(user);
    const [tutor, idle, board] = [
      await at.tutor(user, session),
      await at.tutor(user, await at.session(user)),
      await at.board(user, session),
    ];
    tutor.send({ type: "user_message", data: { text: "!slow=1200 last words" } });
    await eventually(async () =>
      assert.equal((await at.get(`/api/v1/sessions/${session}/messages`, user)).json().length, 1),
    );
    arm.signal("SIGTERM");
    match(await tutor.nextJson(), explanation());
    assert.equal((await tutor.closed()).code, 1012);
    assert.equal((await idle.closed()).code, 1012);
    assert.equal((await board.closed()).code, 1012);
    assert.deepEqual(await arm.exited(), { code: 0, signal: null });
  },
  OWN,
);

item(
  "README §5",
  "SIGTERM: nothing new is accepted while turns finish",
  async (c) => {
    const { arm, at } = await startOwn(c);
    const user = at.user();
    const session = await at.session(user);
    const tutor = await at.tutor(user, session);
    tutor.send({ type: "user_message", data: { text: "!slow=2500 busy" } });
    await eventually(async () =>
      assert.equal((await at.get(`/api/v1/sessions/${session}/messages`, user)).json().length, 1),
    );
    arm.signal("SIGTERM");
    // Either the listener is gone already or it says that it is not ready; both keep new work away.
    await eventually(async () => {
      const status = await at.get("/readyz").then(
        (reply) => reply.status,
        () => 0,
      );
      assert.ok(status === 503 || status === 0, String(status));
    }, 1_500);
    assert.equal(
      await at.open(at.tutorPath(session), { headers: { Authorization: `Bearer ${user.token}` } }).then(
        () => "open",
        () => "refused",
      ),
      "refused",
    );
    match(await tutor.nextJson(), explanation());
    assert.equal((await arm.exited()).code, 0);
  },
  OWN,
);

item(
  "README §5",
  "SIGTERM: a turn of more than 10 s does not hold the process",
  async (c) => {
    const { arm, at } = await startOwn(c, { env: { MODEL_TIMEOUT_MS: "60000" } });
    const user = at.user();
    const session = await at.session(user);
    const tutor = await at.tutor(user, session);
    tutor.send({ type: "user_message", data: { text: "!slow=45000 endless" } });
    await eventually(async () =>
      assert.equal((await at.get(`/api/v1/sessions/${session}/messages`, user)).json().length, 1),
    );
    const start = performance.now();
    arm.signal("SIGTERM");
    assert.equal((await tutor.closed(20_000)).code, 1012);
    assert.equal((await arm.exited(20_000)).code, 0);
    const took = performance.now() - start;
    assert.ok(took > 8_000 && took < 16_000, `${took} ms`);
  },
  OWN,
);

item(
  "README §5",
  "an arm logs one JSON line per call, handshake and turn, without tokens, queries or texts",
  async (c) => {
    const { arm, at } = await startOwn(c);
    const user = at.user();
    const session = await at.session(user);
    const reply = await at.api("GET", `/api/v1/sessions?limit=7&secretquery=1`, {
      user,
      headers: { "X-Request-Id": "log-1" },
    });
    assert.equal(reply.status, 200);
    await at.post("/api/v1/folders/", user, { name: "Geheimnis-Ordner" });
    const tutor = await at.tutor(user, session);
    await tutor.say("streng-geheimer Text");
    await tutor.close();
    const find = (check: (line: Json) => boolean): Json => arm.logLines().find(check);
    await eventually(() => assert.ok(find((line) => line.msg === "close" || line.msg === "closed")));
    const call = find((line) => line.requestId === "log-1");
    match([call.method, call.route, call.status], ["GET", "/api/v1/sessions", 200]);
    assert.ok(
      ["time", "level", "msg", "durationMs"].every((key) => key in call),
      JSON.stringify(call),
    );
    for (const event of ["handshake", "turn"])
      assert.ok(
        find((line) => line.msg === event && line.surface === "tutor"),
        event,
      );
    const printed = [...arm.stdout, ...arm.stderr].join("\n");
    for (const secret of [user.token, "eyJ", "secretquery", "Geheimnis", "streng-geheim", user.email]) {
      assert.ok(!printed.includes(secret), `${secret.slice(0, 20)} is in the log`);
    }
    for (const line of arm.stdout) assert.doesNotThrow(() => JSON.parse(line), line);
  },
  OWN,
);
