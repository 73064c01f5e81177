import { test } from "node:test";
import { agreementOf, assertAgreement } from "./testing/agreement.ts";

test("shadow §17, row 21: an independent differ says the same of 10⁵ random pairs", (t) => {
  const agreement = agreementOf(100_000, 2_026);
  t.diagnostic(`${JSON.stringify(Object.fromEntries(agreement.verdicts))}, ${agreement.exceptions.length} exceptions`);
  assertAgreement(agreement);
});
