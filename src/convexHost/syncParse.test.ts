import assert from "node:assert/strict";
import { test } from "node:test";
import { parseClientMessage, ProtocolError } from "./syncParse.ts";

const parse = (message: unknown) => parseClientMessage(JSON.stringify(message));

test("each message of the client is read as it was meant", () => {
  assert.deepEqual(
    parse({
      type: "Connect",
      sessionId: "s",
      connectionCount: 1,
      lastCloseReason: null,
      clientTs: 3,
      maxObservedTimestamp: "AAAAAAAAAAA=",
    }),
    { type: "Connect", sessionId: "s" },
  );
  assert.deepEqual(parse({ type: "Authenticate", tokenType: "None", baseVersion: 2 }), {
    type: "Authenticate",
    baseVersion: 2,
    credential: { tokenType: "None" },
  });
  assert.deepEqual(parse({ type: "Authenticate", tokenType: "User", value: "t", baseVersion: 0 }), {
    type: "Authenticate",
    baseVersion: 0,
    credential: { tokenType: "User", value: "t" },
  });
  assert.deepEqual(parse({ type: "Mutation", requestId: 1, udfPath: "m:f", args: [{ a: 1 }] }), {
    type: "Mutation",
    requestId: 1,
    path: "m:f",
    component: "",
    args: { a: 1 },
  });
  assert.deepEqual(parse({ type: "Action", requestId: 1, udfPath: "m:f", args: [], componentPath: "c" }), {
    type: "Action",
    requestId: 1,
    path: "m:f",
    component: "c",
    args: {},
  });
  assert.deepEqual(parse({ type: "Event", eventType: "x", event: null }), { type: "Event" });
});

test("a query set's changes keep their order, journals and components", () => {
  const modifications = [
    { type: "Remove", queryId: 1 },
    { type: "Add", queryId: 1, udfPath: "q:f", args: [{ b: 2 }], journal: "j", componentPath: "c" },
    { type: "Add", queryId: 2, udfPath: "q:f", args: [{}], journal: null },
  ];
  assert.deepEqual(parse({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications }), {
    type: "ModifyQuerySet",
    baseVersion: 0,
    newVersion: 1,
    changes: [
      { type: "Remove", queryId: 1 },
      {
        type: "Add",
        query: { queryId: 1, path: "q:f", component: "c", args: { b: 2 }, argsJson: '{"b":2}', journal: "j" },
      },
      { type: "Add", query: { queryId: 2, path: "q:f", component: "", args: {}, argsJson: "{}", journal: null } },
    ],
  });
});

test("an admin may act as a user, whose identifier is made of issuer and subject", () => {
  const admin = { type: "Authenticate", tokenType: "Admin", value: "k", baseVersion: 0 };
  assert.deepEqual(parse(admin), {
    type: "Authenticate",
    baseVersion: 0,
    credential: { tokenType: "Admin", value: "k", actingAs: null },
  });
  const message = parse({ ...admin, impersonating: { issuer: "i", subject: "s", role: "x" } });
  assert.ok(message.type === "Authenticate" && message.credential.tokenType === "Admin");
  assert.deepEqual(message.credential.actingAs, { issuer: "i", subject: "s", role: "x", tokenIdentifier: "i|s" });
});

const wrong: readonly (readonly [unknown, RegExp])[] = [
  [null, /a message: expected an object, got null/],
  [[], /expected an object, got an array/],
  [{}, /expected type Connect, .* got undefined/],
  [{ type: "x".repeat(500) }, /got a string of 500$/],
  [{ type: "Connect" }, /sessionId: expected a string, got undefined/],
  [{ type: "Connect", sessionId: "" }, /sessionId: expected 1 to 128 characters, got 0/],
  [{ type: "Connect", sessionId: "x".repeat(129) }, /got 129/],
  [{ type: "Authenticate", tokenType: "Other", baseVersion: 0 }, /expected tokenType User, Admin or None, got "Other"/],
  [{ type: "Authenticate", tokenType: "User", baseVersion: 0 }, /value: expected a string/],
  [{ type: "Authenticate", tokenType: "Admin", value: "k", baseVersion: 0, impersonating: 1 }, /impersonating/],
  [{ type: "Authenticate", tokenType: "None", baseVersion: -1 }, /baseVersion: expected a whole number/],
  [{ type: "Authenticate", tokenType: "None", baseVersion: 1.5 }, /baseVersion: expected a whole number/],
  [{ type: "Mutation", requestId: 2 ** 53, udfPath: "f", args: [] }, /requestId: expected a whole number/],
  [{ type: "Mutation", requestId: 1, args: [] }, /udfPath: expected a string/],
  [{ type: "Mutation", requestId: 1, udfPath: "f", args: {} }, /args: expected an array, got an object/],
  [{ type: "Mutation", requestId: 1, udfPath: "f", args: [1, 2] }, /args: expected an array of one, got 2/],
  [
    { type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [{ type: "X", queryId: 1 }] },
    /Add or Remove/,
  ],
  [{ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [1] }, /a modification: expected an object/],
];
for (const [message, expected] of wrong) {
  test(`what breaks the protocol is refused with what was expected: ${expected.source}`, () => {
    assert.throws(
      () => parse(message),
      (error) => error instanceof ProtocolError && expected.test(error.message),
    );
  });
}

test("a token never gets into an error", () => {
  const secret = "eyJ".padEnd(30, "s");
  assert.throws(
    () => parse({ type: "Authenticate", tokenType: "User", value: { secret }, baseVersion: 0 }),
    (error) => error instanceof ProtocolError && !error.message.includes(secret),
  );
});
