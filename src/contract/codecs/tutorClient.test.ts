import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Frame } from "../../proxy/ports.ts";
import { tutorCodec } from "./tutor.ts";

const text = (value: unknown): Frame => ({
  isBinary: false,
  data: new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)),
});
const read = (frame: Frame): string => new TextDecoder().decode(frame.data);

test("stamping adds the id as last key and changes no other byte", () => {
  const given = text('{ "type" : "user_message", "data":{"text":"}é\\u00e9 1.0"} } \n');
  const stamped = tutorCodec.stamp(given, "p-1");
  assert.equal(
    read(stamped),
    '{ "type" : "user_message", "data":{"text":"}é\\u00e9 1.0"} ,"client_message_id":"p-1"} \n',
  );
});

test("a stamped frame parses to the same object plus the id, and stamping twice changes nothing more", () => {
  const id = fc.stringMatching(/^[\x21-\x7e]{1,128}$/);
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), id, (rest, messageId) => {
      fc.pre(!Object.hasOwn(rest, "client_message_id"));
      const message = { ...rest, type: "user_message" };
      const given = text(message);
      const stamped = tutorCodec.stamp(given, messageId);
      assert.deepEqual(JSON.parse(read(stamped)), {
        ...(JSON.parse(read(given)) as object),
        client_message_id: messageId,
      });
      assert.equal(tutorCodec.stamp(stamped, "other"), stamped);
    }),
  );
});

test("frames that take no id come back untouched", () => {
  for (const frame of [
    text({ type: "ping" }),
    text({ type: "BOARD_STATE_RESPONSE", payload: [] }),
    text("{}"),
    text({ type: "" }),
    text("nonsense"),
    text({ type: "user_message", client_message_id: null }),
    { isBinary: true, data: new TextEncoder().encode('{"type":"user_message"}') },
  ]) {
    assert.equal(tutorCodec.stamp(frame, "p-1"), frame);
  }
});

test("an id outside the contract's form is refused, never written", () => {
  for (const id of ["", "a b", "é", "x".repeat(129)])
    assert.throws(() => tutorCodec.stamp(text({ type: "next" }), id), TypeError);
});
