// shadow §17 row 14: journeys over two backends that mint their own ids, by configuration only.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  call,
  createIssuer,
  eventually,
  openSocket,
  stopAll,
  temporaryDir,
  TEST_SECRET,
  type User,
} from "../support/index.ts";
import { type NotesWorld, startNotesWorld } from "./notesWorld.ts";

const JOURNEYS = 50;
const AT_ONCE = 5;
const issuer = createIssuer(TEST_SECRET);
const worlds: NotesWorld[] = [];
after(() => stopAll(worlds));

async function start(options: Parameters<typeof startNotesWorld>[0] = {}): Promise<NotesWorld> {
  const world = await startNotesWorld(options);
  worlds.push(world);
  return world;
}

async function journey({ proxy }: NotesWorld, user: User, nr: number): Promise<void> {
  const headers = { authorization: `Bearer ${user.token}`, "content-type": "application/json" };
  const ask = async (method: string, path: string, body?: object, expected = 200): Promise<string> => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const reply = await call(proxy.baseUrl, { method, path, headers, body: text });
    assert.equal(reply.status, expected, `${method} ${path}`);
    return reply.text;
  };
  const ids: string[] = [];
  for (const part of ["first", "second"]) {
    const made = await ask("POST", "/notes", { title: `${part} of ${nr}`, text: "as it was" }, 201);
    ids.push((JSON.parse(made) as { readonly id: string }).id);
  }
  await ask("GET", "/notes");
  for (const id of ids) await ask("GET", `/notes/${id}`);
  await ask("PUT", `/notes/${ids[0]}`, { text: `see ${ids[1]}` });
  await ask("GET", `/notes/${ids[0]}`);
  await ask("DELETE", `/notes/${ids[1]}`, undefined, 204);
  await ask("GET", `/notes/${ids[1]}`, undefined, 404);
  await ask("GET", "/notes");
}

/** Of the metrics of the admin listener, once everything sampled has its verdict. */
async function settled({ proxy }: NotesWorld, least: number): Promise<ReadonlyMap<string, number>> {
  return eventually(
    async () => {
      const { text } = await call(proxy.adminUrl, { method: "GET", path: "/metrics" });
      const counts = new Map<string, number>();
      let sampled = 0;
      for (const line of text.split("\n")) {
        const [, name, labels = "", value] = /^switchyard_shadow_(\w+?)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
        if (name === "sampled_total") sampled += Number(value);
        const word = /(?:verdict|reason)="(\w+)"/.exec(labels)?.[1];
        const isCounted = name === "comparisons_total" || name === "not_compared_total";
        if (isCounted && word !== undefined) counts.set(word, (counts.get(word) ?? 0) + Number(value));
        if (name === "accounting_gap") assert.equal(Number(value), 0, "shadow A1");
      }
      const judged = [...counts.values()].reduce((sum, one) => sum + one, 0);
      assert.ok(sampled >= least && judged === sampled, `${judged} of ${sampled} judged, ${least} expected`);
      return counts;
    },
    20_000,
    200,
  );
}

async function run(world: NotesWorld): Promise<ReadonlyMap<string, number>> {
  const numbers = Array.from({ length: JOURNEYS }, (_, nr) => nr);
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (let nr = numbers.shift(); nr !== undefined; nr = numbers.shift()) await journey(world, issuer.user(), nr);
  });
  await Promise.all(lanes);
  return settled(world, JOURNEYS * 10);
}

test("shadow 14: 50 journeys, ids learnt from pairs of answers: no false difference", async () => {
  const counts = await run(await start());
  const compared = (counts.get("identical") ?? 0) + (counts.get("equivalent") ?? 0);
  assert.deepEqual(
    [...counts.keys()].filter((name) => name !== "identical" && name !== "equivalent"),
    [],
  );
  assert.ok(compared >= JOURNEYS * 10 * 0.9, `${compared} compared`);
});

test("shadow 14: the same where rules say what is an id: all compared", async () => {
  const file = join(temporaryDir("rules"), "declared.yaml");
  const on = '["POST /notes", "GET /notes/:id", "PUT /notes/:id", "GET /notes"]';
  const rule = (id: string, rest: string): string =>
    `  - { id: ${id}, owner: notes, reason: own ids, on: ${on}, ${rest} }`;
  const rules = [rule("one", "path: $.id, isId: true"), rule("each", 'path: "$.notes[*].id", isId: true')];
  writeFileSync(file, `rules:\n${rules.join("\n")}\n`);
  const config = (text: string): string =>
    text.replace("learnIds: true", "learnIds: false").replace(/rules: \[.*\]/, `rules: [${file}]`);
  const counts = await run(await start({ config }));
  assert.deepEqual(
    [...counts.keys()].filter((name) => name !== "identical" && name !== "equivalent"),
    [],
  );
});

test("a defect of the other backend is one family from the first exchange, and what follows is not compared", async () => {
  const world = await start({ defect: "version-as-text" });
  for (let nr = 0; nr < 3; nr++) await journey(world, issuer.user(), nr);
  const counts = await settled(world, 30);
  assert.equal(counts.get("different"), 3, "one a group: the first write");
  assert.equal(counts.get("diverged"), 27);
});

test("shadow C1–C7: an echo over sockets is compared turn by turn, with a codec of the configuration", async () => {
  const world = await start();
  for (let nr = 0; nr < 3; nr++) {
    const url = `${world.proxy.baseUrl.replace("http", "ws")}/echo`;
    const socket = await openSocket(url, { headers: { authorization: `Bearer ${issuer.user().token}` } });
    assert.match((await socket.next()).data.toString(), /hello/);
    for (const text of ["a", "b", "c"]) socket.send(JSON.stringify({ type: "say", id: `${nr} ${text}`, text }));
    for (let answers = 0; answers < 3; answers++) await socket.next();
    await socket.close(1000);
  }
  // Handshake, greeting, three turns and the close, of each.
  const counts = await settled(world, 18);
  assert.deepEqual([...counts], [["identical", 18]]);
});
