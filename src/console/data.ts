// A subject's data on both arms (handoff §3): what the command line asks for and sets off.
import { CarrierError, type DataControl, type Verified } from "../continuity/ports.ts";
import type { Arm } from "../kernel/index.ts";
import { AdminError } from "./errors.ts";
import type { AdminPorts } from "./ports.ts";
import { dataCopy, dataRepair, dataSubjects, parseChange } from "./schemas.ts";
import { type DataStatusView, type DataSubjectsView, type DataVerifiedView, SCHEMA_VERSION } from "./views.ts";

/** Of one question; a subject with very much data takes seconds. */
const DEADLINE_MS = 9_000;
/** Subjects verified beside each other. */
const LANES = 4;

export function readDataStatus(ports: AdminPorts): DataStatusView {
  return { schemaVersion: SCHEMA_VERSION, ...controlOf(ports).status };
}

export async function readSubjects(ports: AdminPorts, after: string | null, arm: string): Promise<DataSubjectsView> {
  const control = controlOf(ports);
  const from: Arm = arm === "candidate" ? "candidate" : "control";
  const subjects = await attempt(() => control.subjects(from, after, deadline()));
  return { schemaVersion: SCHEMA_VERSION, subjects };
}

/** A few subjects with one call: each is two questions to the arms, and calls are rationed here (security A3). */
export async function verifyData(ports: AdminPorts, body: unknown): Promise<DataVerifiedView> {
  const control = controlOf(ports);
  const { subjects } = parseChange(dataSubjects, body, '{"subjects": ["u_81"]}');
  const signal = deadline();
  const verified: Verified[] = [];
  for (let at = 0; at < subjects.length; at += LANES) {
    const lane = subjects.slice(at, at + LANES);
    verified.push(...(await attempt(() => Promise.all(lane.map((subject) => control.verify(subject, signal))))));
  }
  return { schemaVersion: SCHEMA_VERSION, verified };
}

export async function copyData(ports: AdminPorts, body: unknown): Promise<unknown> {
  const control = controlOf(ports);
  const { subject, from, actor, reason } = parseChange(
    dataCopy,
    body,
    '{"subject": null, "from": "control", "reason": "first copy"}',
  );
  record(ports, "data.copy", actor, reason, subject, from);
  if (subject === null) {
    control.copyAll(from);
    return readDataStatus(ports);
  }
  const { applied, skipped, conflicts, refused } = await attempt(() => control.copy(subject, from));
  return { schemaVersion: SCHEMA_VERSION, applied, skipped, conflicts: conflicts.length, refused };
}

export async function repairData(ports: AdminPorts, body: unknown): Promise<DataVerifiedView> {
  const control = controlOf(ports);
  const { subject, actor, reason } = parseChange(dataRepair, body, '{"subject": "u_81", "reason": "digests differ"}');
  record(ports, "data.repair", actor, reason, subject, null);
  return { schemaVersion: SCHEMA_VERSION, verified: [await attempt(() => control.repair(subject, deadline()))] };
}

function controlOf({ data }: AdminPorts): DataControl {
  if (data !== null) return data;
  throw new AdminError(
    "ADMIN_REFUSED",
    "Data does not follow a subject here: the configuration has no continuity.",
    "Set continuity.tokenEnv, and the same token at both arms.",
  );
}

async function attempt<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof CarrierError)) throw error;
    const next = "See `switchyard data status`, and the log of that arm.";
    throw new AdminError(error.fault === "refused" ? "ADMIN_REFUSED" : "ADMIN_UNAVAILABLE", `${error.message}.`, next);
  }
}

const deadline = (): AbortSignal => AbortSignal.timeout(DEADLINE_MS);

function record(
  ports: AdminPorts,
  event: "data.copy" | "data.repair",
  actor: string | undefined,
  reason: string,
  subject: string | null,
  from: Arm | null,
): void {
  ports.record({
    event,
    actor: actor === undefined ? "token:operate" : `person:${actor}`,
    reason,
    details: { subject: subject === null ? "all" : ports.hashSubject(subject), from },
  });
}
