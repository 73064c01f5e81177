import { test } from "node:test";
import { proveCorpus } from "../testing/corpusProof.ts";

test("shadow §17: of 500 labelled conversations every defect is found, and nothing else", () => {
  proveCorpus(500, 9);
});
