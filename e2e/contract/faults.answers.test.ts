import assert from "node:assert/strict";
import type { Json } from "../support/index.ts";
import { AT_ARM, item, match, text, ts, withFault, withFolder } from "./harness/index.ts";

/** A fault on the answer of R16 and the body that must come out of it. */
function onAnswer(fault: string, sentence: string, expected: (right: Json) => Json): void {
  item(
    "faults §2",
    `${fault}: ${sentence}`,
    async (c) => {
      const { read, right } = await withFolder(c);
      const reply = await read(fault);
      assert.equal(reply.status, 200);
      match(reply.json(), expected(right));
    },
    AT_ARM,
  );
}

const isMs = (value: Json): boolean => typeof value === "number" && Math.abs(value - Date.now()) < 60_000;

onAnswer("extra-field", "a number is added under _creationTime", (right) => ({
  ...right,
  _creationTime: (v: Json) => typeof v === "number",
}));
onAnswer("extra-field:1:surplus", "a number is added under the given key", (right) => ({
  ...right,
  surplus: (v: Json) => typeof v === "number",
}));
onAnswer("leak-field", "a folder shows knowledge_base", (right) => ({ ...right, knowledge_base: () => true }));
onAnswer("null-field:1:$.name", "the value becomes null", (right) => ({ ...right, name: null }));
onAnswer("type-change:1:$.name", "text becomes the number 0", (right) => ({ ...right, name: 0 }));
onAnswer("type-change:1:$.session_count", "a number becomes text", (right) => ({ ...right, session_count: "0" }));
onAnswer("value-change:1:$.name", "text is reversed", (right) => ({ ...right, name: "cba" }));
onAnswer("value-change:1:$.session_count", "a number grows by one", (right) => ({ ...right, session_count: 1 }));
onAnswer("time-format", "times become milliseconds", (right) => ({ ...right, created_at: isMs }));
onAnswer("missing-field:1:$.name", "the key is removed", ({ name: _, ...rest }) => rest);
onAnswer("value-change:1:$.name,time-format", "several faults work together", (right) => ({
  ...right,
  name: "cba",
  created_at: isMs,
}));
onAnswer("wrong-status:0", "a rate of zero never fires", (right) => right);
onAnswer("wrong-status@R4", "a scope of another route does not fire", (right) => right);

item(
  "faults §2",
  "missing-field: without a path the first required key is removed",
  async (c) => {
    const { read, right } = await withFolder(c);
    const body = (await read("missing-field")).json();
    const { id: _, ...rest } = right;
    match(body, rest);
  },
  AT_ARM,
);

item(
  "faults §2",
  "wrong-status: the correct body under another status",
  async (c) => {
    const { read, right } = await withFolder(c);
    const [plain, chosen, scoped] = [
      await read("wrong-status"),
      await read("wrong-status:1:418"),
      await read("wrong-status@R16:1:503"),
    ];
    assert.deepEqual([plain.status, chosen.status, scoped.status], [500, 418, 503]);
    for (const reply of [plain, chosen, scoped]) match(reply.json(), right);
  },
  AT_ARM,
);

item(
  "faults §2",
  "wrong-error-code: the code of an error becomes WRONG_CODE",
  async (c) => {
    const user = c.user();
    const reply = await withFault(c, "wrong-error-code", "POST", "/api/v1/sessions", user, { folder_id: "xyz" });
    assert.equal(reply.status, 400);
    match(reply.json(), { error_code: "WRONG_CODE", error_message: text, technical_details: null });
  },
  AT_ARM,
);

item(
  "faults §2",
  "absent-null: keys with null are left out",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const reply = await withFault(c, "absent-null", "GET", `/api/v1/sessions/${session}`, user);
    match(reply.json(), {
      id: session,
      interaction_mode: "chat_and_whiteboard",
      latest_turn_no: 0,
      created_at: ts,
      updated_at: ts,
    });
  },
  AT_ARM,
);

item(
  "faults §2",
  "reorder-array, truncate-list: a list is turned round, or cut",
  async (c) => {
    const user = c.user();
    const ids: string[] = [];
    for (const name of ["a", "b", "c"]) {
      ids.push(await c.folder(user, name));
      await c.pause(3);
    }
    const list = async (fault: string): Promise<string[]> =>
      (await withFault(c, fault, "GET", "/api/v1/folders/", user)).json().folders.map((f: Json) => f.id);
    assert.deepEqual(await list("reorder-array:1:$.folders"), ids);
    assert.deepEqual(await list("truncate-list"), ids.slice(2));
    assert.deepEqual(await list("truncate-list:1:2"), [ids[2], ids[1]]);
  },
  AT_ARM,
);

item(
  "faults §2",
  "garble-json: the body is cut in the middle",
  async (c) => {
    const { read } = await withFolder(c);
    const reply = await read("garble-json");
    assert.throws(() => reply.json());
    assert.ok(reply.text.startsWith("{") && reply.text.length > 1, reply.text);
  },
  AT_ARM,
);

item(
  "faults §2",
  "float-text: fractional values become text",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const body = (await withFault(c, "float-text", "GET", `/api/v1/sessions/${session}/board_insights`, user)).json();
    match([typeof body.coverage, typeof body.learner_share, typeof body.object_count], ["string", "string", "number"]);
  },
  AT_ARM,
);
