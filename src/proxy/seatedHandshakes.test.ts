// A handshake holds its subject's seat until it is a socket or nothing: one that kept it would keep the subject from
// changing arm.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { SeatOrder, SeatReport } from "../kernel/index.ts";
import type { SeatLink } from "./ports.ts";
import { startSocketProxy } from "./session/testing/socketProxy.ts";
import { handshake, WireClient } from "./session/testing/wire.ts";
import { startWsArm, type WsArm } from "./session/testing/wsArm.ts";
import { RawClient } from "./testing/rawClient.ts";
import { until } from "./testing/wait.ts";

/** Nothing listens there. */
const NOBODY = "http://127.0.0.1:10";

let arm: WsArm;
before(async () => {
  arm = await startWsArm();
});
after(() => arm.stop());

/** The other end of the line: everybody sits at control; says what it heard. */
function coordinator() {
  const reports: SeatReport[] = [];
  let give: (order: SeatOrder) => void = () => undefined;
  const link: SeatLink = {
    report(report) {
      reports.push(report);
      if (report.type !== "ask") return;
      const { unit, subject } = report;
      queueMicrotask(() => give({ type: "seat", unit, subject, arm: "control", stayMs: 0, reason: "settling" }));
    },
    onOrder(listener) {
      give = listener;
    },
  };
  return { link, reports, order: (order: SeatOrder): void => give(order) };
}

async function seated(url: string = arm.url) {
  const coordinating = coordinator();
  const proxy = await startSocketProxy({ control: url, seats: coordinating.link });
  const [{ unit }] = [...(await askedFor(proxy.port, coordinating.reports))] as [SeatReport];
  return {
    ...proxy,
    /** Whether the subject is quiet, asked once. */
    isQuiet(round: number): boolean {
      coordinating.order({ type: "settle", unit, subject: "ada", round, from: "control" });
      return coordinating.reports.some((report) => report.type === "quiet" && report.round === round);
    },
  };
}

/** A first handshake, whatever becomes of it: its unit is in what the process asks. */
async function askedFor(port: number, reports: readonly SeatReport[]): Promise<readonly SeatReport[]> {
  const client = await WireClient.open(port, "/ws/1");
  client.end();
  await until("it asks", () => reports.length > 0);
  return reports;
}

const settled = (proxy: Awaited<ReturnType<typeof seated>>): Promise<void> => {
  let round = 100;
  return until("the subject is quiet", () => proxy.isQuiet(round++));
};

test("a handshake under way keeps its subject where it is, an accepted one does not", async () => {
  const proxy = await seated();
  await settled(proxy);
  const answers = arm.onHandshake;
  try {
    const at = arm.handshakes.length;
    arm.onHandshake = () => undefined;
    const opening = WireClient.open(proxy.port, "/ws/1");
    const waiting = await arm.handshake(at);
    assert.equal(proxy.isQuiet(1), false);
    waiting.accept();
    await opening;
    await settled(proxy);
  } finally {
    arm.onHandshake = answers;
    proxy.stop();
  }
});

test("a handshake that the arm refuses, or whose client goes, gives its place back", async () => {
  const proxy = await seated();
  const answers = arm.onHandshake;
  try {
    arm.onHandshake = ({ refuse }) => refuse(403, "text/plain", "no");
    const refused = await WireClient.open(proxy.port, "/ws/1");
    assert.equal(refused.reply.status, 403);
    await settled(proxy);
    const at = arm.handshakes.length;
    arm.onHandshake = () => undefined;
    const gone = await RawClient.connect(proxy.port);
    gone.send(handshake("/ws/1"));
    await arm.handshake(at);
    assert.equal(proxy.isQuiet(2), false);
    gone.end();
    await settled(proxy);
  } finally {
    arm.onHandshake = answers;
    proxy.stop();
  }
});

test("a handshake for an arm that nobody is at gives its place back", async () => {
  const proxy = await seated(NOBODY);
  try {
    const failed = await WireClient.open(proxy.port, "/ws/1");
    assert.equal(failed.reply.status, 502);
    await settled(proxy);
  } finally {
    proxy.stop();
  }
});
