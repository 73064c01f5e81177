import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arm } from "../../kernel/index.ts";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import type { Observation } from "../observation.ts";
import type { SeenExchange } from "../judgement.ts";
import { createFingerprint } from "./fingerprint.ts";
import { keptExchange } from "./keptExchange.ts";
import { Redactor } from "./redact.ts";

const reply = (arm: Arm, body: unknown): Observation => ({
  arm,
  role: "served",
  result: {
    reply: {
      status: 200,
      headers: ["content-type", "application/json"],
      body: new Uint8Array(Buffer.from(JSON.stringify(body))),
    },
  },
  isCut: false,
  firstByteMs: 1,
  totalMs: 1,
});

const pair = { control: reply("control", { state: "open" }), candidate: reply("candidate", { state: "shut" }) };
const print = createFingerprint(new Uint8Array(32), "value");
const found: FoundDifference = {
  template: "$.state",
  path: "$.state",
  kind: "value",
  severity: "value",
  control: "text",
  candidate: "text",
  count: 1,
  acceptedBy: null,
};

const SEEN: SeenExchange = { route: "GET /a", pair, differences: [found], rechecks: [], repeat: null, view: {} };

test("shadow P1, P2: values stand in the bodies only, and only if they were asked for", () => {
  const redactor = new Redactor({ hidden: [], visible: [] }, print);
  const redacted = keptExchange(SEEN, "redacted", redactor, assert.fail);
  assert.doesNotMatch(JSON.stringify(redacted.shape), /"open"|"shut"/);
  assert.match(JSON.stringify(redacted.shape), /"bodies":"redacted"/);
  assert.match(JSON.stringify(redacted.bodies), /"state":"open".*"state":"shut"/);
  const shape = keptExchange(SEEN, "shape", redactor, assert.fail);
  assert.equal(shape.bodies, null);
  assert.doesNotMatch(JSON.stringify(shape.shape), /bodies/);
  assert.equal(keptExchange({ ...SEEN, pair: null }, "redacted", redactor, assert.fail).bodies, null);
});

test("shadow P4: a redactor that fails drops both bodies, is told, and leaves what was found", () => {
  for (const failing of ["shape", "redacted"]) {
    let failures = 0;
    const real = new Redactor({ hidden: [], visible: [] }, print);
    const redactor: Pick<Redactor, "redact"> = {
      redact(value, policy) {
        if (policy === failing) throw new RangeError("half of it is open");
        return real.redact(value, policy);
      },
    };
    const kept = keptExchange(SEEN, "redacted", redactor, () => (failures += 1));
    const { count: _, acceptedBy: __, ...told } = found;
    assert.deepEqual(kept, { shape: { differences: [told], control: null, candidate: null }, bodies: null });
    assert.equal(failures, 1);
  }
});
