// The real program, kept alive by the launcher.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createCassetteService } from "./cassetteService.ts";
import { nextFreePort } from "./freePort.ts";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const logsDir = mkdtempSync(join(tmpdir(), "cassette-"));
after(() => rmSync(logsDir, { recursive: true, force: true }));

test("a cassette that is killed is back at the same addresses, soon, and forgets what it had", async () => {
  let calls = 0;
  const provider = createServer((_, response) => response.end(`{"n":${++calls}}`));
  provider.listen(0, "127.0.0.1");
  await once(provider, "listening");
  after(() => provider.close());
  const given = new Set<number>();
  const said: string[] = [];
  const cassette = await createCassetteService({
    root: ROOT,
    env: { ...process.env, OPENAI_API_KEY: "sk-real", JWT_SECRET_KEY: "s".repeat(40) },
    provider: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`,
    choosePort: (wanted) => nextFreePort("127.0.0.1", wanted + 40_000, given),
    logsDir,
    say: (line) => void said.push(line),
  });
  after(() => cassette.kill());
  const ask = async (base: string): Promise<string> => {
    const head = { method: "POST", headers: { "x-request-id": "one" }, body: '{"model":"m","messages":[]}' };
    return (await fetch(`${base}/chat/completions`, head)).text();
  };
  await cassette.start();
  assert.equal(await ask(cassette.recordUrl), '{"n":1}');
  assert.equal(await ask(cassette.replayUrl), '{"n":1}');

  // Who reads its misses is the proxy alone, which knows the token by name.
  const misses = `${new URL(cassette.replayUrl).origin}/misses?since=0`;
  const token = cassette.proxyEnv[cassette.settings["shadow.cassette.missesTokenEnv"] ?? ""] ?? "";
  assert.equal((await fetch(misses)).status, 401);
  assert.equal((await fetch(misses, { headers: { authorization: `Bearer ${token}` } })).status, 200);
  assert.equal(`http://${cassette.settings["shadow.cassette.replay"]}`, new URL(cassette.replayUrl).origin);

  const killedAt = performance.now();
  process.kill(cassette.pid ?? 0, "SIGKILL");
  while (cassette.restarts === 0 || cassette.state !== "ready") await pause(5);
  // shadow K1 wants a second; a machine that does much else gets more.
  const awayMs = performance.now() - killedAt;
  assert.ok(awayMs < 8_000, `away for ${awayMs} ms`);
  assert.equal(await ask(cassette.recordUrl), '{"n":2}');
  assert.equal(await ask(cassette.replayUrl), '{"n":2}');

  await cassette.stop();
  assert.match(said.join("\n"), /cassette ended \(SIGKILL\).*\ncassette is ready again/);
  const log = readFileSync(join(logsDir, "cassette.log"), "utf8");
  assert.match(log, /"cassette\.stopped"/);
  assert.ok(!log.includes("sk-real") && !log.includes(token));
});
