import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseAddress } from "./cassetteCommand.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const ANY = "127.0.0.1:0";
const ends: (() => void)[] = [];
after(() => ends.forEach((end) => end()));

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type Line = Readonly<Record<string, unknown>>;

const run = (...args: string[]) => runWith({}, ...args);

function runWith(env: Readonly<Record<string, string>>, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, "cassette", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  ends.push(() => child.kill("SIGKILL"));
  const lines: Line[] = [];
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const started = new Promise<Line>((resolve) => {
    // A line that is no JSON is an uncaught error of this test.
    createInterface(child.stdout).on("line", (text) => {
      const line = JSON.parse(text) as Line;
      lines.push(line);
      if (line["event"] === "listening") resolve(line);
    });
  });
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { child, lines, started, ended, err: () => err };
}

const ask = (base: unknown, message: string): Promise<Response> =>
  fetch(`${String(base)}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer key-of-the-arm", "x-request-id": message },
    body: JSON.stringify({ model: "m", messages: [{ role: "user", content: message }] }),
  });

test("what is recorded is replayed, /livez and /metrics answer, every line is JSON, SIGTERM ends it with 0", async () => {
  let calls = 0;
  const provider = await listening(createServer((_, response) => response.end(`{"n":${++calls}}`)));
  const places = ["--record", ANY, "--replay", ANY, "--admin", ANY, "--provider", `http://${provider}/v1`];
  const { child, lines, started, ended, err } = run(...places);
  const { record, replay, address } = await started;
  assert.equal((await fetch(`${String(address)}/livez`)).status, 200);
  assert.equal((await fetch(`${String(address)}/else`)).status, 404);

  assert.equal(await (await ask(record, "one")).text(), '{"n":1}');
  assert.equal(await (await ask(replay, "one")).text(), '{"n":1}');
  assert.equal(calls, 1);
  const metrics = async (): Promise<string> => (await fetch(`${String(address)}/metrics`)).text();
  // Counted when the caller has the whole answer, which may be a moment before.
  while (!(await metrics()).includes('switchyard_shadow_cassette_total{outcome="hit"} 1')) await pause(10);
  assert.doesNotMatch(await metrics(), /switchyard_requests/);

  child.kill("SIGTERM");
  assert.equal(await ended, 0, err());
  assert.deepEqual(
    lines.map(({ event }) => event),
    ["cassette.started", "listening", "cassette.stopped"],
  );
  assert.ok(!JSON.stringify(lines).includes("key-of-the-arm"));
});

test("what it had no recording of is told to whoever has the token, which nobody else ever sees", async () => {
  const token = "token-of-the-misses-0123456789abcdef";
  const places = ["--record", ANY, "--replay", ANY, "--admin", ANY];
  const { child, lines, started, ended, err } = runWith({ MISSES: token }, ...places, "--misses-token-env", "MISSES");
  const { replay } = await started;
  const misses = new URL("/misses?since=0", String(replay));
  assert.equal((await fetch(misses)).status, 401);
  const told = await fetch(misses, { headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual(((await told.json()) as { misses: unknown }).misses, []);
  child.kill("SIGTERM");
  assert.equal(await ended, 0, err());
  assert.ok(!(JSON.stringify(lines) + err()).includes(token));
});

test("a token that is not there, or that can be guessed, is exit 2, and not said", async () => {
  for (const [env, sentence] of [
    [{}, /--misses-token-env: MISSES is not set/],
    [{ MISSES: "guessable" }, /--misses-token-env: MISSES holds 9 bytes; at least 32 bytes/],
  ] as const) {
    const { ended, err } = runWith(env, "--record", ANY, "--misses-token-env", "MISSES");
    assert.equal(await ended, 2);
    assert.match(err(), sentence);
    assert.doesNotMatch(err(), /guessable/);
  }
});

test("a port that is taken is exit 4, with the option that chooses another", async () => {
  const taken = await listening(createServer());
  for (const option of ["--record", "--replay", "--admin"]) {
    const free = ["--record", "--replay", "--admin"].flatMap((one) => [one, one === option ? taken : ANY]);
    const { ended, err } = run(...free);
    assert.equal(await ended, 4);
    assert.equal(err(), `${taken} is in use; choose another with ${option}.\n`);
  }
});

test("what is no address and what is no base URL is exit 2 and said", async () => {
  const wrong = [
    [["--replay", "8006"], /--replay 8006: a host and a port are needed/],
    [["--admin", "127.0.0.1:70000"], /--admin 127\.0\.0\.1:70000/],
    [["--provider", "ftp://x"], /--provider: provider must be an http or https URL .*as http:/],
  ] as const;
  for (const [args, sentence] of wrong) {
    const { ended, err } = run("--record", ANY, ...args);
    assert.equal(await ended, 2);
    assert.match(err(), sentence);
  }
});

test("addresses are hosts with ports, IPv6 in brackets", () => {
  assert.deepEqual(parseAddress("record", "[::1]:8005"), { host: "::1", port: 8005 });
  assert.deepEqual(parseAddress("record", "localhost:0"), { host: "localhost", port: 0 });
  for (const text of ["", ":8005", "::1:8005", "http://127.0.0.1:1", "127.0.0.1", "127.0.0.1:x"])
    assert.throws(() => parseAddress("record", text), /--record/);
});
