import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import { JsonNumber } from "../json/values.ts";
import { plainContent } from "./plainContent.ts";

const content = (fill: (doc: Y.Doc) => void, roots: Parameters<typeof plainContent>[1] = {}) => {
  const doc = new Y.Doc();
  fill(doc);
  return plainContent(doc, roots);
};

test("keeps what JSON would lose", () => {
  const found = content((doc) => {
    const map = doc.getMap<unknown>("map");
    map.set("fraction", 0.1);
    map.set("minus zero", -0);
    // As every writer of JSON has it: the shortest text that is read as this float.
    map.set("large", 2 ** 60);
    map.set("none", Number.NaN);
    map.set("whole", 12);
    map.set("bigint", 9_007_199_254_740_993n);
    map.set("bytes", new Uint8Array([1, 2]));
    map.set("nothing", { there: undefined });
    map.set("\u0000bytes", "a key like any other");
    map.set("__proto__", { a: [null, true] });
  });
  const map = found?.["map"] as Record<string, unknown>;
  assert.deepEqual(Object.keys(map).length, 10);
  assert.deepEqual(map["fraction"], new JsonNumber("0.1"));
  assert.deepEqual(map["minus zero"], new JsonNumber("-0"));
  assert.deepEqual(map["large"], new JsonNumber("1152921504606847000"));
  assert.deepEqual(map["none"], new JsonNumber("NaN"));
  assert.equal(map["whole"], 12);
  assert.deepEqual(map["bigint"], new JsonNumber("9007199254740993"));
  assert.deepEqual(map["bytes"], { "\u0000bytes": "AQI=" });
  assert.deepEqual(map["nothing"], { there: { "\u0000undefined": null } });
  assert.equal(map["\u0000\u0000bytes"], "a key like any other");
  assert.deepEqual(Object.getOwnPropertyDescriptor(map, "__proto__")?.value, { a: [null, true] });
});

test("reads every shared type, whatever it is nested in", () => {
  const found = content(
    (doc) => {
      const text = doc.getText("text");
      text.insert(0, "plain and bold");
      text.format(10, 4, { bold: true });
      const nested = new Y.Text("inner");
      doc.getArray("list").insert(0, [nested, new Y.Array(), 7]);
      const paragraph = new Y.XmlElement("p");
      paragraph.setAttribute("id", "1");
      doc.getXmlFragment("page").insert(0, [paragraph, new Y.XmlText("end")]);
      doc.getMap("unknown").set("a", 1);
    },
    { text: "text", list: "array", page: "xml", empty: "map" },
  );
  assert.deepEqual(found, {
    text: [{ insert: "plain and " }, { insert: "bold", attributes: { bold: true } }],
    list: ["inner", [], 7],
    page: [{ name: "p", attributes: { id: "1" }, children: [] }, "end"],
    empty: {},
    unknown: { a: 1 },
  });
});

test("marks that change nothing do not split a text", () => {
  const found = content(
    (doc) => {
      const text = doc.getText("text");
      text.insert(0, "abcdef");
      text.format(0, 3, { bold: true });
      text.format(3, 3, { bold: true });
      text.format(0, 6, { bold: null });
    },
    { text: "text" },
  );
  assert.deepEqual(found, { text: "abcdef" });
});

test("is null for what nests deeper than a body may", () => {
  let deep: unknown = 1;
  for (let at = 0; at < 80; at++) deep = [deep];
  assert.equal(
    content((doc) => doc.getMap("map").set("deep", deep)),
    null,
  );
});
