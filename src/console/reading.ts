import type { FlagState } from "../flags/index.ts";
import { ARMS, type Arm, type Clock, type Decision, type Subject } from "../kernel/index.ts";
import { withDeadline } from "./deadline.ts";
import { AdminError } from "./errors.ts";
import { becauseOf, checkedOf } from "./explainText.ts";
import type { AdminPorts, RouteInfo, SocketInfo, UnitInfo } from "./ports.ts";
import { deriveRates, type UnitArmRates, windowOf } from "./rates.ts";
import type { Grant } from "./tokens.ts";
import type { TotalsSampler } from "./totalsSampler.ts";
import {
  type ArmRatesView,
  type ArmView,
  type ExplainView,
  type FlagDataView,
  type FlagsView,
  type PinsView,
  SCHEMA_VERSION,
  type StatusView,
  type UnitView,
} from "./views.ts";

/** Workers answer over IPC; a status page would rather be incomplete than late. */
const WORKERS_TIMEOUT_MS = 1_000;

export interface ReadingDeps {
  readonly ports: AdminPorts;
  readonly sampler: TotalsSampler;
  readonly clock: Clock;
}

const orNull = async <T>(work: Promise<T>, clock: Clock): Promise<T | null> => {
  try {
    return await withDeadline(work, WORKERS_TIMEOUT_MS, clock);
  } catch {
    return null;
  }
};

export const readArms = ({ ports, clock }: ReadingDeps): Promise<readonly ArmView[] | null> =>
  orNull(ports.arms(), clock);

function flagData(state: FlagState, units: readonly UnitInfo[], nowMs: number): FlagDataView {
  const { reading, epoch } = state.data;
  const probe = units.find((unit) => unit.fixed === null);
  const isStale = probe ? state.decide(probe, null, nowMs).isStale : false;
  const dataAgeMs = reading.data === null ? null : Math.max(0, nowMs - reading.confirmedAtMs);
  return { source: reading.source, epoch, dataAgeMs, isStale };
}

/** What the flag says; what really happens while a kill layer holds is `exposureOf`. */
function flaggedPercent(state: FlagState, unit: UnitInfo, nowMs: number): number | null {
  if (unit.fixed !== null) return unit.fixed === "candidate" ? 100 : 0;
  return state.explain(unit, null, nowMs).exposurePercent;
}

function exposureOf(state: FlagState, unit: UnitInfo, nowMs: number): number | null {
  const isKilled = unit.fixed === null && state.data.overrides.kills.length > 0;
  return isKilled ? 0 : flaggedPercent(state, unit, nowMs);
}

export async function readStatus(deps: ReadingDeps): Promise<StatusView> {
  const { ports, sampler, clock } = deps;
  const nowMs = clock.now();
  const { state } = ports.flags;
  const rates = deriveRates(sampler.samples);
  const units: UnitView[] = ports.units.map((unit) => {
    const exposurePercent = exposureOf(state, unit, nowMs);
    const arms = ARMS.map((arm) =>
      armRates(
        arm,
        exposurePercent,
        rates.find((row) => row.unit === unit.id && row.arm === arm),
      ),
    );
    return { unit: unit.id, flag: unit.flag, fixed: unit.fixed, exposurePercent, arms };
  });
  return {
    schemaVersion: SCHEMA_VERSION,
    version: ports.version,
    nowMs,
    readiness: ports.readiness(),
    configuration: ports.configuration(),
    flags: flagData(state, ports.units, nowMs),
    kills: state.data.overrides.kills,
    pinCount: state.data.overrides.pins.filter((pin) => pin.untilMs > nowMs).length,
    windowMs: windowOf(sampler.samples),
    units,
    arms: await readArms(deps),
  };
}

function armRates(arm: Arm, exposurePercent: number | null, row: UnitArmRates | undefined): ArmRatesView {
  const share = exposurePercent === null ? null : arm === "candidate" ? exposurePercent : 100 - exposurePercent;
  return {
    arm,
    sharePercent: share === null ? null : Math.round(share * 10) / 10,
    requests: row?.requests ?? 0,
    errors: row?.errors ?? 0,
    requestsPerSecond: row?.requestsPerSecond ?? null,
    errorRatio: row?.errorRatio ?? null,
    p95Ms: row?.p95Ms ?? null,
    isP95Floor: row?.isP95Floor ?? false,
    sockets: row?.sockets ?? 0,
  };
}

export function readFlags({ ports, clock }: ReadingDeps): FlagsView {
  const nowMs = clock.now();
  const { state } = ports.flags;
  const flags = ports.units.map((unit) => ({
    unit: unit.id,
    flag: unit.flag,
    fixed: unit.fixed,
    exposurePercent: flaggedPercent(state, unit, nowMs),
  }));
  return { schemaVersion: SCHEMA_VERSION, data: flagData(state, ports.units, nowMs), flags };
}

export function readPins({ ports, clock }: ReadingDeps, grant: Grant): PinsView {
  const nowMs = clock.now();
  const live = ports.flags.state.data.overrides.pins.filter((pin) => pin.untilMs > nowMs);
  const pins = live.map((pin) => ({ ...pin, subject: nameOf(pin.subject, ports, grant) }));
  return { schemaVersion: SCHEMA_VERSION, pins };
}

const nameOf = (subject: Subject, ports: AdminPorts, grant: Grant): string =>
  grant === "operate" ? subject : ports.hashSubject(subject);

/** `route` as people write it: `GET /x`, `WS /x`. */
export function parseRoute(text: string): { readonly method: string; readonly path: string } {
  const match = /^([A-Za-z]{1,16}) +(\/\S*)$/.exec(text.trim());
  if (!match) {
    throw new AdminError(
      "ADMIN_BAD_REQUEST",
      "The route is not a method and a path.",
      'Write it as "GET /x" or "WS /x".',
    );
  }
  return { method: (match[1] as string).toUpperCase(), path: (match[2] as string).split("?")[0] as string };
}

export async function readExplain(
  deps: ReadingDeps,
  subject: Subject | null,
  routeText: string,
  grant: Grant,
): Promise<ExplainView> {
  const { ports, clock } = deps;
  const { method, path } = parseRoute(routeText);
  const route = ports.matchRoute(method, path);
  if (!route) {
    const nearest = ports.nearestRoute(method, path);
    throw new AdminError(
      "ADMIN_NOT_FOUND",
      `No configured route matches ${method} ${path}.`,
      nearest === null ? "Compare with units.*.routes in the configuration." : `The nearest route is "${nearest}".`,
    );
  }
  // One state for the whole answer: an epoch change meanwhile must not mix two.
  const { state } = ports.flags;
  const sockets = subject === null ? [] : await orNull(ports.socketsOf(subject), clock);
  return explainView({ route, subject, state, sockets, grant, ports, nowMs: clock.now() });
}

interface ExplainInput {
  readonly route: RouteInfo;
  readonly subject: Subject | null;
  readonly state: FlagState;
  readonly sockets: readonly SocketInfo[] | null;
  readonly grant: Grant;
  readonly ports: AdminPorts;
  readonly nowMs: number;
}

function explainView({ route, subject, state, sockets, grant, ports, nowMs }: ExplainInput): ExplainView {
  const unit = ports.units.find((item) => item.id === route.unit) ?? null;
  const fixed = route.fixed ?? unit?.fixed ?? null;
  const explanation = unit !== null && fixed === null ? state.explain(unit, subject, nowMs) : null;
  const decision: Decision = explanation?.decision ?? withoutFlag(fixed, state.data.epoch);
  const { overrides } = state.data;
  const shown = subject === null ? null : nameOf(subject, ports, grant);
  const isSeated = unit !== null && fixed === null && subject !== null;
  return {
    schemaVersion: SCHEMA_VERSION,
    subject: shown,
    route: route.route,
    unit: route.unit,
    arm: decision.arm,
    servedBy: isSeated ? (ports.data?.armOf({ unit: unit.id, subject }) ?? decision.arm) : decision.arm,
    reason: decision.reason,
    ruleId: decision.ruleId,
    epoch: decision.epoch,
    because: becauseOf(decision, unit, explanation, overrides, shown),
    checked: checkedOf(decision, explanation, overrides),
    bucket: explanation?.bucket ?? null,
    exposurePercent: explanation?.exposurePercent ?? null,
    ceilingPercent: explanation?.ceilingPercent ?? null,
    term: explanation?.term ?? null,
    dataAgeMs: explanation?.dataAgeMs ?? null,
    source: explanation?.source ?? null,
    trace: explanation?.trace ?? [],
    details: explanation?.details ?? {},
    sockets: sockets?.map(({ route: id, unit: of, arm, ageMs }) => ({ route: id, unit: of, arm, ageMs })) ?? null,
  };
}

const withoutFlag = (fixed: Arm | null, epoch: number): Decision =>
  fixed === null
    ? { arm: "control", reason: "unmatched", ruleId: "default", epoch }
    : { arm: fixed, reason: "fixed", ruleId: "fixed", epoch };
