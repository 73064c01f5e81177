import { test } from "node:test";
import { everybodyMoves } from "./support/everybody.ts";

test("everybody finds everything after every move, and nothing acknowledged is lost when arms are killed", (t) =>
  everybodyMoves(t, {
    users: 16,
    working: 6,
    turns: 2,
    pauseMs: 150,
    workMs: 1_000,
    kills: 1,
    spread: "500ms",
    workers: 2,
  }));
