// The evidence of a fleet (shadow §14): in PostgreSQL, written by the running proxy and read from the command line.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import {
  call,
  createIssuer,
  eventually,
  type Postgres,
  REPOSITORY,
  startPostgres,
  stopAll,
  TEST_SECRET,
} from "../support/index.ts";
import { type NotesWorld, SHADOW_SECRET, startNotesWorld } from "./notesWorld.ts";

const run = promisify(execFile);
let world: NotesWorld | null = null;
let postgres: Postgres | null = null;
after(async () => {
  await stopAll([world, postgres].filter((part) => part !== null));
});

test("evidence goes to PostgreSQL where its address is set, and reports come from there", async () => {
  postgres = await startPostgres();
  const env = {
    EVIDENCE_URL: await postgres.createDatabase("evidence"),
    SWITCHYARD__SHADOW__STORE_URL_ENV: "EVIDENCE_URL",
  };
  const own = await startNotesWorld({ defect: "version-as-text", env });
  world = own;
  const user = createIssuer(TEST_SECRET).user();
  const headers = { authorization: `Bearer ${user.token}`, "content-type": "application/json" };
  const body = JSON.stringify({ title: "a", text: "b" });
  assert.equal((await call(own.proxy.baseUrl, { method: "POST", path: "/notes", headers, body })).status, 201);
  const args = ["shadow", "report", "--format", "json", "--config", join(own.stateDir, "switchyard.config.yaml")];
  const secrets = {
    JWT_SECRET_KEY: TEST_SECRET,
    SHADOW_JWT_SECRET: SHADOW_SECRET,
    SWITCHYARD__STATE_DIR: own.stateDir,
  };
  const system = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/" };
  const options = { env: { ...system, ...secrets, ...env } };
  await eventually(
    async () => {
      const { stdout, stderr } = await run(process.execPath, [join(REPOSITORY, "src/main.ts"), ...args], options).catch(
        (error: { stdout: string; stderr: string }) => error,
      );
      assert.match(stdout, /"template":"?\s*"?\$\.version/, stdout + stderr);
    },
    20_000,
    500,
  );
  assert.deepEqual(
    readdirSync(own.stateDir).filter((name) => name.startsWith("shadow-")),
    [],
    "no file beside it",
  );
});
