import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { decode } from "./decode.ts";
import { bytesOf, replyOf, verdictOf } from "./testing/replies.ts";

const FORM = "multipart/form-data; boundary=";

interface Part {
  readonly head: string;
  readonly body: string | Uint8Array;
}

const bodyOf = (
  boundary: string,
  parts: readonly Part[],
  more: { before?: string; behind?: string; pad?: string } = {},
) => {
  const { before = "", behind = "", pad = "" } = more;
  const lines = parts.flatMap(({ head, body }) => [`--${boundary}${pad}\r\n${head}\r\n`, body, "\r\n"]);
  return Buffer.concat([before, ...lines, `--${boundary}--${pad}${behind}`].map((one) => Buffer.from(one as string)));
};

function valueOf(type: string, body: string | Uint8Array): unknown {
  const decoded = decode(replyOf({ type, body }));
  if (decoded.as === "value") return decoded.value;
  return decoded.isUndecodable ? "undecodable" : "bytes";
}

const field = (name: string, body: string, more = ""): Part => ({
  head: `Content-Disposition: form-data; name="${name}"\r\n${more}`,
  body,
});

const PARTS: readonly Part[] = [
  field("title", "Plants"),
  field("tag", "one"),
  field("meta", '{"n": 1.0, "a": [true]}', "Content-Type: application/json; charset=utf-8\r\n"),
  field("tag", "zwei ä"),
  {
    head: 'content-type: image/png\r\ncontent-disposition: form-data; filename="a;\\"b\\".png"; name=file\r\n',
    body: Uint8Array.of(0, 255, 13, 10, 45, 45, 1),
  },
];

test("of form data the parts of each name are told in order: type, name of the file, and what they say", () => {
  const file = Buffer.from([0, 255, 13, 10, 45, 45, 1]);
  assert.deepEqual(JSON.parse(JSON.stringify(valueOf(`${FORM}"x y"`, bodyOf("x y", PARTS)))), {
    title: [{ type: "text/plain", body: "Plants" }],
    tag: [
      { type: "text/plain", body: "one" },
      { type: "text/plain", body: "zwei ä" },
    ],
    meta: [{ type: "application/json", body: { n: { text: "1.0" }, a: [true] } }],
    file: [{ type: "image/png", filename: 'a;"b".png', bytes: 7, sha256: hash("sha256", file, "hex") }],
  });
});

test("boundaries, what stands around the parts and how headers are spelt mean nothing; what is said does", () => {
  const one = { type: `${FORM}aaa`, body: bodyOf("aaa", PARTS) };
  const around = { before: "to be ignored\r\n", behind: "\r\nand this", pad: " \t" };
  const other = PARTS.map(({ head, body }) => ({ head: head.replaceAll("; ", ";\r\n  "), body }));
  const same = verdictOf(one, { type: `Multipart/Form-Data; boundary="b:b"`, body: bodyOf("b:b", other, around) });
  assert.deepEqual([same.name, "normalisers" in same && same.normalisers], ["equivalent", ["header", "parts"]]);
  const differs = (parts: readonly Part[]): readonly string[] => {
    const verdict = verdictOf(one, { type: `${FORM}bbb`, body: bodyOf("bbb", parts) });
    return verdict.name === "different"
      ? verdict.differences.map(({ path, kind }) => `${kind} ${path}`)
      : [verdict.name];
  };
  const withPart = (at: number, part: Part): readonly Part[] => PARTS.map((old, each) => (each === at ? part : old));
  assert.deepEqual(differs(withPart(0, field("title", "Animals"))), ["value $.title[0].body"]);
  assert.deepEqual(differs(withPart(4, { ...(PARTS[4] as Part), body: "123456x" })), ["value $.file[0].sha256"]);
  assert.deepEqual(differs(withPart(2, field("meta", '{"n":1,"a":["true"]}', "content-type: application/json\r\n"))), [
    "type $.meta[0].body.a[0]",
  ]);
  assert.deepEqual(differs(PARTS.slice(1)), ["missing $.title"]);
  assert.deepEqual(differs([...PARTS].reverse()).length, 1, "of one name the order counts");
});

test("other kinds of parts are a list; one that is coded, or holds parts itself, is compared by its bytes", () => {
  const inner = "--i\r\n\r\nx\r\n--i--";
  const body = bodyOf("b", [
    { head: "", body: "plain" },
    { head: "Content-Transfer-Encoding: base64\r\n", body: "YQ==" },
    { head: "Content-Type: multipart/mixed; boundary=i\r\nContent-Disposition: inline; name=n\r\n", body: inner },
    { head: "Content-Type: application/json\r\n", body: "{" },
  ]);
  const digest = (text: string) => ({ bytes: text.length, sha256: hash("sha256", text, "hex") });
  assert.deepEqual(valueOf("multipart/mixed; boundary=b", body), [
    { type: "text/plain", body: "plain" },
    { type: "text/plain", encoding: "base64", ...digest("YQ==") },
    { type: "multipart/mixed", name: "n", ...digest(inner) },
    { type: "application/json", ...digest("{") },
  ]);
});

test("what is malformed is undecodable, and compared as bytes", () => {
  const good = 'content-disposition: form-data; name="a"\r\n\r\nx';
  const bodies: Record<string, string> = {
    "no delimiter": "x",
    "no parts": "--b--",
    "no end": `--b\r\n${good}\r\n`,
    "no end of its last line": `--b\r\n${good}\r\n--b`,
    "lines without CR": `--b\n${good.replaceAll("\r", "")}\n--b--`,
    "a longer boundary": `--bb\r\n${good}\r\n--bb--`,
    "a line that goes on": `--b\r\n${good}\r\n--bx\r\n--b--`,
    "something behind the end": `--b\r\n${good}\r\n--b--x`,
    "no empty line": "--b\r\ncontent-disposition: form-data; name=a\r\n--b--",
    "no name": "--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--",
    "no disposition": "--b\r\n\r\nx\r\n--b--",
    "another disposition": "--b\r\ncontent-disposition: attachment; name=a\r\n\r\nx\r\n--b--",
    "a name twice": "--b\r\ncontent-disposition: form-data; name=a; name=b\r\n\r\nx\r\n--b--",
    "a header twice": `--b\r\ncontent-disposition: form-data; name=b\r\n${good}\r\n--b--`,
    "no header": `--b\r\nwhat is this\r\n${good}\r\n--b--`,
    "a quote without an end": '--b\r\ncontent-disposition: form-data; name="a\r\n\r\nx\r\n--b--',
    "a type that is none": `--b\r\ncontent-type: ;;\r\n${good}\r\n--b--`,
  };
  for (const [what, body] of Object.entries(bodies)) assert.equal(valueOf(`${FORM}b`, body), "undecodable", what);
  const latin = Buffer.from(bodies["no name"]?.replace("data", 'data; name="\u00e4"') ?? "", "latin1");
  assert.equal(valueOf(`${FORM}b`, latin), "undecodable");
  const sound = `--b\r\n${good}\r\n--b--`;
  assert.notEqual(valueOf(`${FORM}b`, sound), "undecodable");
  for (const boundary of ["", '""', '"b "', "b b", `"${"b".repeat(71)}"`, '"b\u00e4"', "b;boundary=b"]) {
    assert.equal(valueOf(FORM + boundary, sound), "undecodable", boundary);
  }
  assert.equal(valueOf("multipart/form-data", sound), "undecodable");
  const verdict = verdictOf({ type: `${FORM}b`, body: sound }, { type: `${FORM}b`, body: `${sound}x` });
  assert.deepEqual(
    ["notes" in verdict && verdict.notes, "differences" in verdict && verdict.differences.map(({ path }) => path)],
    [["undecodable"], ["$"]],
  );
});

const name = fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) => !/[\r\n\0"\\]/.test(text));
const content = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc
    .array(fc.constantFrom("\r", "\n", "-", "--", "b", " ", ":", "\r\n", "x"), { maxLength: 12 })
    .map((all) => bytesOf(all.join(""))),
);
const parts = fc.array(fc.record({ name, content }), { minLength: 1, maxLength: 6 });

test("whatever parts hold, they are read as they were written, under any boundary that is in none of them", () => {
  fc.assert(
    fc.property(parts, fc.constantFrom("b", "----x0123", "a'()+_,-./:=?z", "with blank"), (written, boundary) => {
      fc.pre(
        written.every(
          ({ content: bytes }) => !Buffer.concat([Buffer.from("\r\n"), bytes]).includes(`\r\n--${boundary}`),
        ),
      );
      const sent = written.map(
        (part): Part => ({
          head: `Content-Disposition: form-data; name="${part.name}"\r\nContent-Type: application/octet-stream\r\n`,
          body: part.content,
        }),
      );
      const value = valueOf(`${FORM}"${boundary}"`, bodyOf(boundary, sent)) as Record<string, readonly object[]>;
      const expected = Map.groupBy(written, (part) => part.name);
      assert.deepEqual(Object.keys(value).sort(), [...expected.keys()].sort());
      for (const [each, all] of expected) {
        assert.deepEqual(
          value[each],
          all.map(({ content: bytes }) => {
            return { type: "application/octet-stream", bytes: bytes.length, sha256: hash("sha256", bytes, "hex") };
          }),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test("no bytes make it throw", () => {
  const pieces = fc.constantFrom(
    "--b",
    "--b--",
    "\r\n",
    "\r",
    "\n",
    " ",
    "content-disposition: form-data; name=a",
    ":",
    '"',
    "x",
    "\r\n\r\n",
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(pieces, fc.string({ maxLength: 3 })), { maxLength: 30 }),
      fc.string(),
      (all, type) => {
        valueOf(`${FORM}b`, all.join(""));
        valueOf(`multipart/mixed; boundary=b`, all.join(""));
        valueOf(`multipart/${type}`, all.join(""));
      },
    ),
    { numRuns: 500 },
  );
});
