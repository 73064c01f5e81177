import { test } from "node:test";
import { everybodyMoves } from "./support/everybody.ts";

test("200 people with lessons of 50 messages, 40 of them at work, find everything after every move and every kill", (t) =>
  everybodyMoves(t, {
    users: 200,
    working: 40,
    turns: 25,
    pauseMs: 750,
    workMs: 20_000,
    kills: 1,
    spread: "10s",
    workers: 1,
  }));
