import { test } from "node:test";
import { everybodyMoves } from "./support/everybody.ts";

test("40 people at work, both arms killed eight times: the arms are equal and nothing is missing after each", (t) =>
  everybodyMoves(t, {
    users: 40,
    working: 40,
    turns: 1,
    pauseMs: 750,
    workMs: 4_000,
    kills: 8,
    spread: "2s",
    workers: 1,
  }));
