import type { ArmRatesView, StatusView, UnitView } from "../console/index.ts";
import { age, milliseconds, moment, percent, plural, rate, share, table } from "./format.ts";
import type { Output } from "./output.ts";

type Style = Pick<Output, "alarm" | "bold" | "armMark">;

/** Alarms first, then one block per unit, then the arms; every share stands beside its count. */
export function statusText(view: StatusView, style: Style): string {
  return [
    ...alarms(view, style),
    headline(view, style),
    ...view.units.map((unit) => unitText(unit, view, style)),
    armsText(view, style),
  ].join("\n");
}

function alarms(view: StatusView, style: Style): readonly string[] {
  const kills = view.kills.map(
    (kill) =>
      `${style.alarm(`KILL SWITCH ${kill.layer}`)}  everything is served by control since ${moment(kill.sinceMs)}: "${kill.reason}", by ${kill.actor}\n` +
      `  clear it: switchyard kill off --layer ${kill.layer} --reason "…"`,
  );
  const { refusedReload } = view.configuration;
  const refused =
    refusedReload === null
      ? []
      : [
          `${style.alarm("RELOAD REFUSED")}  the configuration from ${moment(view.configuration.loadedAtMs)} still runs:\n${refusedReload}`,
        ];
  const failing = Object.entries(view.readiness.checks).filter(([, isFine]) => !isFine);
  const unready = view.readiness.isReady
    ? []
    : [`${style.alarm("NOT READY")}  ${failing.map(([name]) => name).join(", ") || "see the log"}`];
  const { flags } = view;
  const stale =
    flags.dataAgeMs === null
      ? [
          `${style.alarm("NO FLAG DATA")}  the source "${flags.source}" never gave anything usable; every subject is served by control`,
        ]
      : flags.isStale
        ? [`${style.alarm("FLAGS STALE")}  serving last known, age ${age(flags.dataAgeMs)}`]
        : [];
  return [...kills, ...refused, ...unready, ...stale];
}

function headline(view: StatusView, style: Style): string {
  const { flags } = view;
  const data = flags.dataAgeMs === null ? "no data" : `${age(flags.dataAgeMs)} old`;
  const parts = [
    `${style.bold("switchyard")} ${view.version}`,
    view.readiness.isReady ? "ready" : "not ready",
    `flags ${flags.source}, ${data}`,
    `epoch ${flags.epoch}`,
    plural(view.pinCount, "pin"),
    `rates over ${age(view.windowMs)}`,
  ];
  return parts.join("   ");
}

function unitText(unit: UnitView, view: StatusView, style: Style): string {
  const place =
    unit.fixed === null
      ? `${percent(unit.exposurePercent)} on candidate   flag ${unit.flag}`
      : `fixed on ${unit.fixed}`;
  const rows = unit.arms.filter(
    (row) => unit.fixed === null || row.arm === unit.fixed || row.requests > 0 || row.sockets > 0,
  );
  return `${style.bold(unit.unit)}   ${place}\n${table(
    rows.map((row) => armRow(row, view, style)),
    "  ",
  )}`;
}

function armRow(row: ArmRatesView, view: StatusView, style: Style): readonly string[] {
  const backend = view.arms?.find((arm) => arm.arm === row.arm)?.backend ?? "";
  const head = [`${style.armMark(row.arm)} ${row.arm}`, backend, percent(row.sharePercent)];
  const sockets = plural(row.sockets, "socket");
  if (row.requestsPerSecond === null) return [...head, "no rate yet", "", "", sockets];
  if (row.requests === 0) return [...head, "no requests", "", "", sockets];
  return [
    ...head,
    rate(row.requestsPerSecond),
    `p95 ${milliseconds(row.p95Ms, row.isP95Floor)}`,
    `errors ${share(row.errors, row.requests)}`,
    sockets,
  ];
}

function armsText(view: StatusView, style: Style): string {
  if (view.arms === null) return `${style.bold("arms")}   unknown: the workers did not answer in time`;
  const rows = view.arms.flatMap((arm) =>
    arm.instances.map((instance) => [
      `${style.armMark(arm.arm)} ${arm.arm}`,
      arm.backend,
      instance.url,
      `${instance.isReady ? "ready" : style.alarm("NOT READY")} for ${age(view.nowMs - instance.sinceMs)}`,
    ]),
  );
  return `${style.bold("arms")}\n${table(rows, "  ")}`;
}
