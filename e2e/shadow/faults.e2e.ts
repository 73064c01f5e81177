// shadow §17 row 16, a tenth of it: one fault of each kind of traffic. All of them: faults.long.ts.
import { after, before, test } from "node:test";
import { FAULTS, findFault } from "./faultRun.ts";
import { type LessonsWorld, startLessonsWorld } from "./lessonsWorld.ts";

const HERE = new Set(["type-change", "reorder-frames", "prompt-change", "lost-write"]);

let world: LessonsWorld;
before(async () => {
  world = await startLessonsWorld({ served: "candidate" });
});
after(async () => world.stop());

for (const expected of FAULTS.filter(({ fault }) => HERE.has(fault))) {
  test(`the shadow finds ${expected.fault} on control`, async (t) => {
    t.diagnostic(await findFault(world, "control", expected));
  });
}
