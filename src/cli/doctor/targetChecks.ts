// Whether copies could reach anybody (shadow W2), asked without any effect, and whether targets are there at all.
import { type Arm, ARMS } from "../../kernel/index.ts";
import { askGuard, type GuardState } from "../../shadow/index.ts";
import { askHttp } from "./askHttp.ts";
import { type Check, type CheckSource, type Examined, fail, ok, type Verdict, warn } from "./check.ts";

type Target = NonNullable<NonNullable<Examined["config"]["shadow"]>["targets"]["control"]>;

export const targetChecks: CheckSource = (examined) => {
  const { config } = examined;
  return ARMS.flatMap((arm) => {
    const target = config.shadow?.targets[arm] ?? null;
    if (target === null) return [];
    const { url } = target;
    if (target.guard === "network") return [unguarded(examined, arm, url), credential(examined, arm, target)];
    return [
      { name: `target of ${arm}`, ask: async () => ofTarget(url, await askGuard(url, arm, "target")) },
      // Copies for this arm are marked: an instance of it that took them would serve them.
      ...config.arms[arm].urls.map((origin) => ({
        name: `guard of ${arm}`,
        ask: async () => ofServing(origin, await askGuard(origin, arm, "serving")),
      })),
      credential(examined, arm, target),
    ];
  });
};

function ofTarget(url: string, guard: GuardState): Verdict {
  if (guard === "safe") return ok(`${url} refuses what is not marked (421)`);
  if (guard === "unreachable")
    return fail(`${url} does not answer: nothing is compared (target_down)`, "Start it, or correct its url.");
  const fix =
    "Let it refuse with 421, before anything else, every call without X-Shadow; or, if only the mirror reaches it, guard: network.";
  return fail(`${url} answers calls without X-Shadow: no copy leaves (target_unsafe)`, fix);
}

function ofServing(origin: string, guard: GuardState): Verdict {
  if (guard === "safe") return ok(`${origin} refuses marked writes (421)`);
  if (guard === "unreachable")
    return warn(`${origin} does not answer, so its guard is not known`, "Start it, then run doctor again.");
  const fix = "Let it refuse with 421, before anything else, every call with X-Shadow but GET.";
  return fail(`${origin} takes writes with X-Shadow: no copy leaves (target_unsafe)`, fix);
}

/** Nothing is proven there; that it answers can be told. */
const unguarded = ({ clock }: Examined, arm: Arm, url: string): Check => ({
  name: `target of ${arm}`,
  async ask() {
    const answer = await askHttp({ origin: url, path: "/", clock });
    if ("error" in answer) return fail(`${url} does not answer (${answer.error})`, "Start it, or correct its url.");
    return ok(`${url} answers; that only the mirror reaches it is what guard: network says, and was not tried`);
  },
});

/** shadow W4: a user's token opens no target. */
const credential = ({ config }: Examined, arm: Arm, target: Target): Check => ({
  name: `secrets of ${arm}'s target`,
  ask: () => Promise.resolve(ofSecrets(config, `shadow.targets.${arm}`, target)),
});

function ofSecrets(config: Examined["config"], path: string, { jwtSecret, serviceToken }: Target): Verdict {
  const { shadow, continuity, identity } = config;
  if (jwtSecret !== null && jwtSecret === identity.jwt.secret) {
    return fail("its key is the one that users' tokens are signed with", `Give ${path}.jwtSecretEnv a key of its own.`);
  }
  if (serviceToken !== null && serviceToken === continuity?.token) {
    return fail("its service token is the serving instances' one", `Give ${path}.serviceTokenEnv a token of its own.`);
  }
  if (jwtSecret === null)
    return warn("copies carry no credential", `Name its key in ${path}.jwtSecretEnv, if its routes need one.`);
  const hasSandbox = [
    ...Object.values(shadow?.modes ?? {}),
    ...(shadow?.routes ?? []).map(({ mode }) => mode),
  ].includes("sandbox");
  if (continuity !== null && hasSandbox && serviceToken === null) {
    return warn(
      "nobody's data can be copied there before their writes are",
      `Name its token in ${path}.serviceTokenEnv.`,
    );
  }
  return ok("all are set, and its own");
}
