import assert from "node:assert/strict";
import { call, eventually, type Reply } from "../support/index.ts";
import { item, startOwnWorld, type Context, type ItemOptions } from "./harness/index.ts";

/** Close codes of handoff §8 as long as sockets do not move: what would be re-attached ends in 1012. */
const AT_PROXY: ItemOptions = { on: "proxy", needsModel: true, timeoutMs: 60_000 };

async function openBoth(at: Context) {
  const user = at.user();
  const session = await at.session(user);
  return { user, session, tutor: await at.tutor(user, session), board: await at.board(user, session) };
}

item(
  "handoff §8",
  "1011 of an arm reaches the client as 1012",
  async (c) => {
    const { at } = await startOwnWorld(c, { env: { FAULTS: "close-1011@tutor" } });
    const { tutor } = await openBoth(at);
    tutor.send({ type: "heartbeat" });
    // Clients of a lost leg are spread over ten seconds (handoff §10).
    assert.equal((await tutor.closed(20_000)).code, 1012);
  },
  AT_PROXY,
);

item(
  "handoff §8",
  "an arm that dies or stops closes its clients 1012, calls answer 502, the proxy lives",
  async (c) => {
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      const { arm, proxy, at } = await startOwnWorld(c);
      const { user, tutor, board } = await openBoth(at);
      arm.signal(signal);
      assert.deepEqual([(await tutor.closed(20_000)).code, (await board.closed(20_000)).code], [1012, 1012], signal);
      await arm.exited();
      const reply = await at.get("/api/v1/sessions", user);
      assert.ok([502, 503].includes(reply.status), `${signal}: ${reply.status}`);
      assert.match(reply.headers["content-type"] ?? "", /^application\/problem\+json/);
      assert.equal((await call(proxy.adminUrl, { method: "GET", path: "/livez" })).status, 200);
    }
  },
  AT_PROXY,
);

item(
  "handoff §8",
  "a client that leaves is gone at the arm too",
  async (c) => {
    const { arm, at } = await startOwnWorld(c);
    const { tutor, board } = await openBoth(at);
    const metrics = (): Promise<Reply> => call(arm.baseUrl, { method: "GET", path: "/metrics" });
    const open = async (surface: string): Promise<number> =>
      Number(
        new RegExp(`^ai_tutor_ws_connections\\{surface="${surface}"\\} (\\S+)`, "m").exec(
          (await metrics()).text,
        )?.[1] ?? 0,
      );
    assert.deepEqual([await open("tutor"), await open("whiteboard")], [1, 1]);
    await tutor.close();
    board.terminate();
    await eventually(async () => assert.deepEqual([await open("tutor"), await open("whiteboard")], [0, 0]));
  },
  AT_PROXY,
);

item(
  "handoff §8",
  "a proxy that stops closes its clients 1012 and exits 0",
  async (c) => {
    const { proxy, at } = await startOwnWorld(c);
    const { tutor, board } = await openBoth(at);
    proxy.signal("SIGTERM");
    assert.deepEqual([(await tutor.closed(40_000)).code, (await board.closed(40_000)).code], [1012, 1012]);
    assert.equal((await proxy.exited(45_000)).code, 0);
  },
  AT_PROXY,
);
