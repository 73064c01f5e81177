import assert from "node:assert/strict";
import { eventually, type Json } from "../support/index.ts";
import {
  AT_ARM,
  EMPTY_INIT,
  errorEnvelope,
  explanation,
  faultyTutor,
  item,
  match,
  number,
  silence,
  text,
} from "./harness/index.ts";

item(
  "faults §2",
  "drop-frame: outbound frames are not sent",
  async (c) => {
    const { tutor, messages } = await faultyTutor(c, "drop-frame@tutor", { keepInit: true });
    tutor.send({ type: "user_message", data: { text: "hello" } });
    await eventually(async () => assert.equal((await messages()).length, 2));
    await silence(tutor, 400);
  },
  AT_ARM,
);

item(
  "faults §2",
  "dup-frame: outbound frames are sent twice",
  async (c) => {
    const { tutor } = await faultyTutor(c, "dup-frame", { keepInit: true });
    match([await tutor.nextJson(), await tutor.nextJson()], [EMPTY_INIT, EMPTY_INIT]);
    tutor.send({ type: "ping" });
    const [one, two] = [await tutor.nextJson(), await tutor.nextJson()];
    assert.equal(one.type, "pong");
    match(two, one);
  },
  AT_ARM,
);

item(
  "faults §2",
  "reorder-frames: two consecutive frames change places",
  async (c) => {
    const { tutor } = await faultyTutor(c, "reorder-frames", { keepInit: true });
    tutor.send({ type: "ping" });
    const types = [(await tutor.nextJson()).type, (await tutor.nextJson()).type];
    assert.deepEqual(types, ["pong", "SESSION_INIT_STATE"]);
  },
  AT_ARM,
);

item(
  "faults §2",
  "extra-frame: a frame of unknown type is sent",
  async (c) => {
    const { tutor } = await faultyTutor(c, "extra-frame", { keepInit: true });
    tutor.send({ type: "ping" });
    const seen = [await tutor.nextJson(), await tutor.nextJson(), await tutor.nextJson()];
    assert.ok(
      seen.some((frame) => frame.type === "noise"),
      JSON.stringify(seen),
    );
    match(
      seen.find((frame) => frame.type === "noise"),
      { type: "noise" },
    );
  },
  AT_ARM,
);

item(
  "faults §2",
  "drop-inbound: inbound frames are ignored",
  async (c) => {
    const { tutor, messages } = await faultyTutor(c, "drop-inbound");
    tutor.send({ type: "ping" });
    tutor.send({ type: "user_message", data: { text: "hello" } });
    await silence(tutor);
    assert.deepEqual(await messages(), []);
  },
  AT_ARM,
);

item(
  "faults §2",
  "delta-mismatch: one delta is left out while seq stays contiguous",
  async (c) => {
    const { tutor } = await faultyTutor(c, "delta-mismatch", { stream: true });
    tutor.send({ type: "user_message", data: { text: "Explain osmosis" } });
    const frames = await tutor.untilEnvelope();
    const deltas = frames.slice(0, -1);
    assert.deepEqual(
      deltas.map((frame) => frame.seq),
      deltas.map((_, i) => i),
    );
    assert.notEqual(deltas.map((frame) => frame.delta).join(""), frames.at(-1).data.explanation_text);
  },
  AT_ARM,
);

item(
  "faults §2",
  "answers are changed on frames as on bodies",
  async (c) => {
    const rows: [string, (envelope: Json) => Json][] = [
      ["type-change:1:$.data.explanation_text", (e) => ({ ...e, data: { ...e.data, explanation_text: 0 } })],
      ["null-field:1:$.data.explanation_text", (e) => ({ ...e, data: { ...e.data, explanation_text: null } })],
      ["missing-field:1:$.user_model_state", ({ user_model_state: _, ...rest }) => rest],
      ["extra-field@tutor", (e) => ({ ...e, _creationTime: number })],
      ["value-change:1:$.schema_version", (e) => ({ ...e, schema_version: 2 })],
      [
        "absent-null@tutor",
        ({ whiteboard_actions: _, ...rest }) => ({
          ...rest,
          data: { response_type: "explanation", explanation_text: text },
          user_model_state: () => true,
        }),
      ],
    ];
    for (const [fault, expected] of rows) {
      const { tutor } = await faultyTutor(c, fault, { keepInit: true });
      tutor.send({ type: "user_message", data: { text: '!tool=explain {"text":"hello"}' } });
      match((await tutor.untilEnvelope()).at(-1), expected(explanation("hello")), fault);
    }
  },
  AT_ARM,
);

item(
  "faults §2",
  "garble-json: a frame is cut in the middle",
  async (c) => {
    const { tutor } = await faultyTutor(c, "garble-json", { keepInit: true });
    const frame = await tutor.next();
    assert.throws(() => JSON.parse(frame.data.toString("utf8")));
  },
  AT_ARM,
);

item(
  "faults §2",
  "wrong-error-code: the code of an error frame becomes WRONG_CODE",
  async (c) => {
    const { tutor } = await faultyTutor(c, "wrong-error-code");
    match(await tutor.say(" "), errorEnvelope("WRONG_CODE"));
  },
  AT_ARM,
);
