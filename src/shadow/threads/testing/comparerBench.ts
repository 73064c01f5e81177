// The compare thread's judge with a manual clock: what it is told, and what it says.
import { type Arm, createManualClock, type ManualClock } from "../../../kernel/index.ts";
import type { Observation } from "../../observation.ts";
import type { RoutePlan } from "../../plans.ts";
import type { ShadowApplication, ShadowCodec, SocketFrame } from "../../ports.ts";
import { talkCodec } from "../../testing/talkCodec.ts";
import type { CassetteMiss } from "../../cassette/ports.ts";
import { Comparer } from "../comparer.ts";
import type { CompareItem, CopyItem, EndedItem, JobFacts, JudgedItem } from "../messages.ts";
import type { ShadowSettings } from "../shadowSettings.ts";
import { type AskedWithin, KnownMisses, type MissSource } from "../knownMisses.ts";
import { settingsFor } from "./settings.ts";

/** What passes between threads is no Buffer. */
const plain = ({ isBinary, data }: SocketFrame): SocketFrame => ({ isBinary, data: Buffer.from(data) });
const codec: ShadowCodec<null> = {
  ...talkCodec,
  fromClient: (state, frame) => talkCodec.fromClient(state, plain(frame)),
  fromArm: (state, frame) => talkCodec.fromArm(state, plain(frame)),
};

export const APPLICATION: ShadowApplication = {
  rules: [],
  liveModels: null,
  checks: [],
  normalisers: {},
  conditions: {},
  statusClass: String,
  documents: new Map(),
  codecs: new Map([["talk", codec]]),
  mirroring: [],
  redaction: { hidden: [], visible: [] },
  build: null,
  identity: { mode: "declared", templates: [] },
};

/** Misses as a test tells them; who judges is called when the test says. */
export class TestMisses implements MissSource {
  isOn = false;
  readonly known = new KnownMisses(() => {});
  readonly waiting: (() => void)[] = [];

  within(asked: AskedWithin): readonly CassetteMiss[] {
    return this.known.within(asked);
  }

  look(run: () => void): void {
    this.waiting.push(run);
  }

  flush(): void {
    for (const run of this.waiting.splice(0)) run();
  }
}

export const missOf = (requestId: string, more: Partial<CassetteMiss> = {}): CassetteMiss => ({
  n: 1,
  atMs: 0,
  kind: "talk",
  key: "k",
  requestId,
  occurrence: 1,
  reason: "none",
  nearest: {
    key: "other",
    requestId,
    differences: [{ path: "$.messages[1].content", kind: "value", recorded: "text", asked: "text", count: 1 }],
  },
  ...more,
});

export interface ComparerBench {
  readonly misses: TestMisses;
  readonly comparer: Comparer;
  readonly clock: ManualClock;
  readonly ended: EndedItem[];
  readonly judged: JudgedItem[];
  readonly sockets: string[];
  readonly taken: [id: number, bytes: number][];
  readonly diverged: string[];
  readonly faults: unknown[];
  configure(more?: Partial<ShadowSettings>): void;
  /** `id verdict` or `id reason`. */
  told(): readonly string[];
}

export function openComparerBench(
  plans: readonly RoutePlan[],
  application: Partial<ShadowApplication> = {},
  hasBuilds = true,
): ComparerBench {
  const clock = createManualClock();
  const bench: Omit<ComparerBench, "comparer" | "configure" | "told"> = {
    clock,
    misses: new TestMisses(),
    ended: [],
    judged: [],
    sockets: [],
    taken: [],
    diverged: [],
    faults: [],
  };
  const comparer = new Comparer({
    application: { ...APPLICATION, ...application },
    clock,
    misses: bench.misses,
    process: "p",
    printKey: new Uint8Array(32),
    random: () => 0.5,
    onDropped: () => {},
    onEnded: (item) => bench.ended.push(item),
    onTaken: (id, bytes) => bench.taken.push([id, bytes]),
    onSocketEnded: (id, _, verdict) => bench.sockets.push(`${id} ${verdict}`),
    onDiverged: (_, group) => bench.diverged.push(group),
    onJudged: (item) => bench.judged.push(item),
    onFault: (error) => bench.faults.push(error),
  });
  const configure = (more: Partial<ShadowSettings> = {}): void => comparer.configure(settingsFor(plans, {}, more));
  configure();
  if (hasBuilds) comparer.setBuilds({ control: "c1", candidate: "k1" });
  const told = (): readonly string[] => bench.ended.map(({ id, verdict, reason }) => `${id} ${reason ?? verdict}`);
  return { ...bench, comparer, configure, told };
}

export const factsOf = (id: number, plan: RoutePlan, more: Partial<JobFacts> = {}): JobFacts => ({
  id,
  route: plan.id,
  group: "ann",
  served: "control",
  isSafe: plan.mode === "read",
  leftAtMs: 0,
  requestId: `r${id}`,
  ...more,
});

type ServedItem = Extract<CompareItem, { kind: "served" }>;

export const servedItem = (facts: JobFacts, text: string, more: Partial<ServedItem> = {}): ServedItem => ({
  kind: "served",
  facts,
  result: { reply: { status: 200, headers: ["content-type", "text/plain"], body: bytesOf(text) } },
  loss: null,
  firstByteMs: 1,
  totalMs: 2,
  ...more,
});

export const observed = (arm: Arm, role: Observation["role"], text: string): Observation => ({
  arm,
  role,
  result: { reply: { status: 200, headers: ["content-type", "text/plain"], body: bytesOf(text) } },
  isCut: false,
  firstByteMs: 1,
  totalMs: 2,
});

export const copiedItem = (id: number, text: string): CopyItem => ({
  kind: "copied",
  id,
  observation: observed("candidate", "shadow", text),
  repeat: null,
  delayMs: 0,
  renamed: [],
});

export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));
