import assert from "node:assert/strict";
import { test } from "node:test";
import { createManualClock } from "../../kernel/index.ts";
import { Destination } from "./destinations.ts";

test("shadow I8: the serving thread is told of every try that failed, the log of the first failure and of the end only", () => {
  const clock = createManualClock();
  const told: unknown[] = [];
  const events: string[] = [];
  const destination = new Destination(
    { target: null, serving: [] },
    {
      arm: "candidate",
      clock,
      onChange: () => told.push([destination.state.circuit, destination.state.restsUntilMs - clock.now()]),
      onEvent: (event) => events.push(event),
    },
  );
  const copy = (isFailed: boolean): void => destination.circuit.pass()?.(isFailed);
  for (let at = 0; at < 20; at++) copy(true);
  assert.deepEqual(told.splice(0), [["open", 15_000]]);
  clock.advance(15_000);
  copy(true);
  assert.deepEqual(told.splice(0), [
    ["trying", 30_000],
    ["open", 15_000],
  ]);
  assert.deepEqual(events, ["shadow.circuit.open"]);
  clock.advance(15_000);
  copy(false);
  assert.deepEqual([told.length, destination.state.circuit, destination.state.restsUntilMs], [2, "closed", 0]);
  assert.deepEqual(events, ["shadow.circuit.open", "shadow.circuit.closed"]);
});
