import { type FlagControl, FlagsError } from "../flags/index.ts";
import type { Clock } from "../kernel/index.ts";
import { AdminError, type AdminErrorCode } from "./errors.ts";
import type { AdminChange, AdminPorts } from "./ports.ts";
import { flagChange, killChange, killClearing, parseChange, pinChange, pinRemoval, sampleRemoval } from "./schemas.ts";
import { type KillsView, type SamplesRemovedView, SCHEMA_VERSION } from "./views.ts";

export interface ChangingDeps {
  readonly ports: AdminPorts;
  readonly clock: Clock;
}

const actorOf = (actor: string | undefined): string => (actor === undefined ? "token:operate" : `person:${actor}`);

const CODE_OF: Readonly<Record<FlagsError["kind"], AdminErrorCode>> = {
  refused: "ADMIN_BAD_REQUEST",
  conflict: "ADMIN_REFUSED",
  unavailable: "ADMIN_UNAVAILABLE",
};

/** A refusal of the flags room is an answer for the caller; every other failure is a bug of ours. */
async function attempt<T>(change: () => Promise<T>, next: string): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!(error instanceof FlagsError)) throw error;
    throw new AdminError(CODE_OF[error.kind], error.message, next);
  }
}

export const readKills = (flags: FlagControl): KillsView => ({
  schemaVersion: SCHEMA_VERSION,
  epoch: flags.state.data.epoch,
  kills: flags.state.data.overrides.kills,
});

function changeableUnit(ports: AdminPorts, id: string): { readonly id: string; readonly flag: string } {
  const unit = ports.units.find((item) => item.id === id);
  const names = ports.units.filter((item) => item.fixed === null).map((item) => item.id);
  const next = names.length === 0 ? "No unit is decided by a flag." : `Units decided by a flag: ${names.join(", ")}.`;
  if (!unit) throw new AdminError("ADMIN_NOT_FOUND", `There is no unit "${id}".`, next);
  if (unit.fixed !== null) {
    throw new AdminError("ADMIN_REFUSED", `The configuration fixes unit "${id}" on ${unit.fixed}.`, next);
  }
  return unit;
}

export async function setFlag({ ports }: ChangingDeps, body: unknown): Promise<{ unit: string; percent: number }> {
  const change = parseChange(flagChange, body, '{"unit": "orders", "percent": 25, "reason": "first quarter"}');
  const unit = changeableUnit(ports, change.unit);
  const actor = actorOf(change.actor);
  await attempt(
    () => ports.flags.writer.setExposure(unit.flag, change.percent, actor),
    "Read the flag file's state with GET /api/flags, then try again.",
  );
  record(ports, "flags.set", actor, change.reason, { unit: unit.id, flag: unit.flag, percent: change.percent });
  return { unit: unit.id, percent: change.percent };
}

export async function addPin({ ports, clock }: ChangingDeps, body: unknown): Promise<unknown> {
  const example = '{"subject": "u_81", "arm": "candidate", "unit": null, "forMs": 7200000, "reason": "tester"}';
  const change = parseChange(pinChange, body, example);
  if (change.unit !== null) changeableUnit(ports, change.unit);
  const actor = actorOf(change.actor);
  const { subject, unit, arm, reason } = change;
  const pin = await attempt(
    () => ports.flags.addPin({ subject, unit, arm, reason, actor, untilMs: clock.now() + change.forMs }),
    "Read the pins with GET /api/pins.",
  );
  record(ports, "pin.added", actor, reason, {
    pin: pin.id,
    unit,
    arm,
    subject: ports.hashSubject(subject),
    untilMs: pin.untilMs,
  });
  return { schemaVersion: SCHEMA_VERSION, pin };
}

export async function removePin({ ports }: ChangingDeps, body: unknown): Promise<unknown> {
  const change = parseChange(pinRemoval, body, '{"id": "<pin id>", "reason": "test is over"}');
  const actor = actorOf(change.actor);
  const isRemoved = await attempt(() => ports.flags.removePin(change.id, actor), "Read the pins with GET /api/pins.");
  if (!isRemoved)
    throw new AdminError("ADMIN_NOT_FOUND", "There is no pin with this id.", "Read the ids with GET /api/pins.");
  record(ports, "pin.removed", actor, change.reason, { pin: change.id });
  return { schemaVersion: SCHEMA_VERSION, removed: change.id };
}

/** A subject's samples in the shadow's evidence, on their request (shadow P5). */
export async function removeSamples({ ports }: ChangingDeps, body: unknown): Promise<SamplesRemovedView> {
  const change = parseChange(sampleRemoval, body, '{"subject": "u_81", "reason": "asked for by mail"}');
  const { samples, campaigns, left } = await ports.samples.remove(change.subject);
  record(ports, "samples.removed", actorOf(change.actor), change.reason, {
    subject: ports.hashSubject(change.subject),
    samples,
    campaigns,
    left: left.length,
  });
  const places = left.map(({ where, why }) => ({ where, why }));
  if (left.every(({ isForGood }) => isForGood))
    return { schemaVersion: SCHEMA_VERSION, samples, campaigns, left: places };
  const where = places.map((one) => `${one.where}: ${one.why}`).join(", ");
  throw new AdminError(
    "ADMIN_UNAVAILABLE",
    `Removed: ${samples} in ${campaigns} campaigns. Some may be left (${where}).`,
    "Ask again: what is gone does not come back.",
  );
}

export async function setKill({ ports }: ChangingDeps, body: unknown): Promise<KillsView> {
  const change = parseChange(killChange, body, '{"reason": "errors on the candidate"}');
  const actor = actorOf(change.actor);
  const next = "Create the file KILL in the state folder, or send SIGUSR2: both need no admin listener.";
  await attempt(() => ports.flags.kill(change.layer, change.reason, actor), next);
  record(ports, "kill.on", actor, change.reason, { layer: change.layer });
  return readKills(ports.flags);
}

export async function clearKill({ ports }: ChangingDeps, body: unknown): Promise<KillsView> {
  const change = parseChange(killClearing, body, '{"layer": "L0", "reason": "repaired"}');
  const actor = actorOf(change.actor);
  const active = ports.flags.state.data.overrides.kills.map((kill) => kill.layer);
  if (!active.includes(change.layer)) {
    const next = active.length === 0 ? "No layer is active." : `Active: ${active.join(", ")}.`;
    throw new AdminError("ADMIN_REFUSED", `Kill layer ${change.layer} is not active.`, next);
  }
  await attempt(() => ports.flags.clearKill(change.layer, change.reason, actor), "Read the layers with GET /api/kill.");
  record(ports, "kill.cleared", actor, change.reason, { layer: change.layer });
  return readKills(ports.flags);
}

function record(
  ports: AdminPorts,
  event: AdminChange["event"],
  actor: string,
  reason: string,
  details: AdminChange["details"],
): void {
  ports.record({ event, actor, reason, details });
}
