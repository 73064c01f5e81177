// A configuration with a shadow, as far as the mirror of one process reads it.
import type { Config, ShadowConfig } from "../../../config/index.ts";
import type { Arm } from "../../../kernel/index.ts";

const NOWHERE = "http://127.0.0.1:1";

/** Of every call, without targets. */
export const SHADOW: ShadowConfig = {
  samplePercent: { everywhere: 100, units: {} },
  rules: [],
  targets: { control: null, candidate: null },
  modes: {},
  routes: [],
  surfaces: {},
  isLearningIds: null,
  repeatsShare: 0,
  build: null,
  printKey: null,
  bodyKey: null,
  bodyRingBytes: 1,
  cassette: null,
  yieldAboveMs: 20,
  storeUrl: null,
};

/** One unit of one route. */
export const configOf = (shadow: ShadowConfig | null, origins: Partial<Record<Arm, string>> = {}): Config =>
  ({
    units: new Map([
      [
        "u",
        {
          id: "u",
          routes: [{ id: "a", methods: ["GET"], paths: ["/a"], codec: "raw", addressLimit: null, isLogout: false }],
        },
      ],
    ]),
    arms: { control: { urls: [origins.control ?? NOWHERE] }, candidate: { urls: [origins.candidate ?? NOWHERE] } },
    continuity: null,
    shadow,
  }) as unknown as Config;
