import { join } from "node:path";
import type { Config, LimitsConfig, RouteConfig, UnitConfig } from "./config.ts";
import type { RouteSection, UnitSection } from "./routeSchema.ts";
import type { Sections } from "./schema.ts";

/** security §11: a document is read and analysed before its route answers. */
const UPLOAD_FIRST_BYTE_MS = 180_000;

/** Fills what one section takes from another. Expects sections that passed the cross-checks. */
export function assemble(sections: Sections): Config {
  return {
    ...sections,
    publicOrigin: sections.publicOrigin ?? null,
    continuity: sections.continuity ?? null,
    shadow: sections.shadow ?? null,
    flags: { source: sections.flags.source, file: sections.flags.file ?? join(sections.stateDir, "flags.json") },
    units: new Map([...sections.units].map(([id, unit]) => [id, toUnit(id, unit, sections.limits)])),
  };
}

function toUnit(id: string, unit: UnitSection, limits: LimitsConfig): UnitConfig {
  return {
    id,
    flag: unit.flag ?? `switchyard.${id}`,
    fixed: unit.fixed,
    routes: unit.routes.map((route) => toRoute(route, limits)),
  };
}

function toRoute(route: RouteSection, limits: LimitsConfig): RouteConfig {
  return {
    ...route,
    firstByteMs: route.firstByteMs ?? (route.kind === "upload" ? UPLOAD_FIRST_BYTE_MS : limits.armFirstByteMs),
    messagesPerSecond: route.messagesPerSecond ?? limits.messagesPerSecond,
    messageBytesMax: route.messageBytesMax ?? limits.clientMessageBytesMax,
  };
}
