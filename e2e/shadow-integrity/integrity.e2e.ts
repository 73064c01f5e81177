import { test } from "node:test";
import { nothingIsAltered } from "./support/integrity.ts";

test("50 clients, 10,000 calls and 50 sockets, all mirrored: no body and no frame is altered, nothing fails", (t) =>
  nothingIsAltered(t, { calls: 10_000, clients: 50, sockets: 50, turns: 20 }));
