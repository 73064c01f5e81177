import assert from "node:assert/strict";
import { test } from "node:test";
import { otherArm } from "../../src/kernel/index.ts";
import { call, eventually, metricSum } from "../support/index.ts";
import { ARMS, clientsOf, gather, ledgersAgree, start } from "./crowd.ts";
import { startWorld } from "./world.ts";

for (const victim of ARMS) {
  test(`kill -9 of ${victim} under that load: the proxy lives, the other arm's users notice nothing`, async () => {
    const own = await startWorld();
    try {
      const other = otherArm(victim);
      const hit = await gather(own, victim);
      const spared = await gather(own, other);
      const stop = new AbortController();
      const running = [...start(hit, stop.signal), ...start(spared, stop.signal)];
      await eventually(
        () => {
          for (const { students } of [hit, spared]) assert.ok(students.every((one) => one.answered >= 1));
        },
        20_000,
        200,
      );
      own[victim].signal("SIGKILL");
      await eventually(async () => {
        const headers = { authorization: `Bearer ${hit.students[0]!.user.token}` };
        const reply = await call(own.proxy.baseUrl, { method: "GET", path: "/api/v1/sessions", headers });
        // Until it is gone a call may still be broken off.
        assert.deepEqual([reply.status, reply.json().code], [502, "SY_UPSTREAM_REFUSED"]);
      });
      const hitSockets = [...hit.students, ...clientsOf(hit)];
      await eventually(() => assert.ok(hitSockets.every((one) => one.closed?.code === 1012)), 15_000, 200);
      stop.abort();
      await Promise.all(running);
      await ledgersAgree(spared, { turns: 2, updates: 3 });
      assert.ok(await own.admin.isAlive());
      const text = await own.admin.metrics();
      assert.ok(metricSum(text, "switchyard_requests_total", { arm: victim, outcome: "server_error" }) > 0);
      assert.equal(metricSum(text, "switchyard_requests_total", { arm: other, outcome: "server_error" }), 0);
      assert.equal(metricSum(text, "switchyard_socket_closes_total", { arm: victim, code: "1012" }), hitSockets.length);
      assert.equal(metricSum(text, "switchyard_arm_up", { arm: victim }), 0);
    } finally {
      await own.stop();
    }
  });
}
