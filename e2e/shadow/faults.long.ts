// shadow §17 row 16: every fault that contract/faults.md §2 gives to the shadow, at the target, one at a time.
import { after, before, test } from "node:test";
import { FAULTS, findFault } from "./faultRun.ts";
import { type LessonsWorld, startLessonsWorld } from "./lessonsWorld.ts";

let world: LessonsWorld;
before(async () => {
  world = await startLessonsWorld({ served: "control" });
});
after(async () => world.stop());

for (const expected of FAULTS) {
  test(`the shadow finds ${expected.fault}`, async (t) => {
    t.diagnostic(await findFault(world, "candidate", expected));
  });
}
