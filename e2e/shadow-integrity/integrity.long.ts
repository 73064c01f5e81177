import { test } from "node:test";
import { nothingIsAltered } from "./support/integrity.ts";

test("50 clients, 1,000,000 calls and 2,000 sockets, all mirrored: no body and no frame is altered, nothing fails", (t) =>
  nothingIsAltered(t, { calls: 1_000_000, clients: 50, sockets: 2_000, turns: 50 }));

test("500 clients at once, 50,000 calls: no body and no frame is altered, nothing fails", (t) =>
  nothingIsAltered(t, { calls: 50_000, clients: 500, sockets: 100, turns: 20 }));
