// The rules by which the arms' answers are compared (differences.md): data for the shadow's comparer, one entry for each row.
import type { ShadowApplication, ShadowCodec } from "../../shadow/ports.ts";
import { BY_ROUTE, MIRRORING } from "./byRoute.ts";
import { CHECKS } from "./checks.ts";
import { SHADOW_CONDITIONS } from "./conditions.ts";
import { EVERY_ROUTE } from "./everyRoute.ts";
import { REDACTION } from "./redaction.ts";
import type { RuleRow } from "./row.ts";
import { LIVE_MODELS } from "./liveModels.ts";
import { ON_SOCKETS } from "./sockets.ts";
import { tutorTalk } from "./tutorTalk.ts";
import { whiteboardDocument } from "./whiteboardDocument.ts";
import { SHADOW_NORMALISERS, statusClass } from "./words.ts";

/** §§3, 4 and 6; the rows P of §8 are fixed pairs of the comparer's tests. */
export const RULE_ROWS: readonly RuleRow[] = [...EVERY_ROUTE, ...BY_ROUTE, ...ON_SOCKETS];

/** Texts that hold an id: objects of a question (services.md §4), and pictures (conversations.md C12, C13). */
const ID_TEMPLATES = [
  "mcq-{id}-text",
  ...["png", "jpg", "jpeg", "gif", "webp"].flatMap((kind) => [`{id}.${kind}`, `/conversations/images/{id}.${kind}`]),
];

export const SHADOW: ShadowApplication = {
  rules: RULE_ROWS.flatMap(({ rules }) => rules),
  liveModels: LIVE_MODELS,
  checks: CHECKS,
  normalisers: SHADOW_NORMALISERS,
  conditions: SHADOW_CONDITIONS,
  statusClass,
  codecs: new Map([[tutorTalk.surface, tutorTalk as ShadowCodec]]),
  documents: new Map([[whiteboardDocument.surface, whiteboardDocument]]),
  mirroring: MIRRORING,
  redaction: REDACTION,
  build: { path: "/metrics", metric: "ai_tutor_build_info", label: "version" },
  // Ids come out equal on both arms (G4): one that does not is a difference, nothing to be learnt.
  identity: { mode: "declared", templates: ID_TEMPLATES },
};
