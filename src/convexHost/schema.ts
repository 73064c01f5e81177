// An exported schema → tables and their indexes, and what a start has to build and drop (embedded-convex §3.4). Pure.
import { BY_CREATION_TIME, problemsOf, repeated, type TableDefinition } from "./tableDefinition.ts";
import { parseValidator, type ValidatorJson } from "./validatorJson.ts";

export { BY_CREATION_TIME, type TableDefinition } from "./tableDefinition.ts";

export interface ParsedSchema {
  readonly tables: readonly TableDefinition[];
  /** Whether documents must match (`schemaValidation`); when not, the validators are null. */
  readonly isValidated: boolean;
}

/** All that is wrong with a schema. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`schema: ${problems.join("\nschema: ")}`);
    this.problems = problems;
  }
}

const named = (name: string, fields: readonly string[]) => ({ name, fields });
const systemTable = (name: string, indexes: TableDefinition["indexes"]): TableDefinition => ({
  name,
  // Written by the host alone, never through a user's `db`.
  validator: null,
  indexes,
  searchIndexes: [],
  vectorIndexes: [],
});

/** The tables that every component has; `db.system` shows the first two. */
export const SYSTEM_TABLES: readonly TableDefinition[] = [
  systemTable("_scheduled_functions", [named("by_due", ["state.kind", "scheduledTime"])]),
  systemTable("_storage", []),
  systemTable("_crons", [named("by_name", ["name"])]),
  systemTable("_session_requests", [
    named("by_session", ["sessionId", "requestId"]),
    named("by_expiry", ["expiresAtMs"]),
  ]),
];

/**
 * Reads what `schema.export()` of `convex/server` gives. Staged indexes and staged validators are left out: they may not be
 * queried, and they are not enforced. @throws SchemaError with every problem: what a deployment would refuse
 */
export function parseSchema(exportedJson: string): ParsedSchema {
  const exported = readExport(exportedJson);
  const problems: string[] = [];
  const tables = exported.tables.map((table) => readTable(table, exported.schemaValidation, problems));
  for (const name of repeated(tables.map((table) => table.name))) problems.push(`table "${name}" is defined twice`);
  if (problems.length > 0) throw new SchemaError(problems);
  return { tables, isValidated: exported.schemaValidation };
}

interface ExportedIndex {
  readonly indexDescriptor: string;
  readonly fields: readonly string[];
}
interface ExportedSearchIndex {
  readonly indexDescriptor: string;
  readonly searchField: string;
  readonly filterFields: readonly string[];
}
interface ExportedVectorIndex {
  readonly indexDescriptor: string;
  readonly vectorField: string;
  readonly dimensions: number;
  readonly filterFields: readonly string[];
}
interface ExportedTable {
  readonly tableName: string;
  readonly indexes: readonly ExportedIndex[];
  readonly searchIndexes?: readonly ExportedSearchIndex[];
  readonly vectorIndexes?: readonly ExportedVectorIndex[];
  readonly documentType: unknown;
}

function readExport(text: string): { readonly tables: readonly ExportedTable[]; readonly schemaValidation: boolean } {
  const json: unknown = JSON.parse(text);
  if (typeof json !== "object" || json === null || !("tables" in json) || !Array.isArray(json.tables)) {
    throw new SchemaError([
      "expected what schema.export() gives: the default export of schema.ts must be defineSchema(…)",
    ]);
  }
  const schemaValidation = !("schemaValidation" in json) || json.schemaValidation !== false;
  return { tables: json.tables as readonly ExportedTable[], schemaValidation };
}

function readTable(table: ExportedTable, isValidated: boolean, problems: string[]): TableDefinition {
  const where = `table "${table.tableName}"`;
  const definition: TableDefinition = {
    name: table.tableName,
    validator: readValidator(table, where, problems),
    indexes: table.indexes.map((index) => named(index.indexDescriptor, index.fields)),
    searchIndexes: (table.searchIndexes ?? []).map((index) => ({
      name: index.indexDescriptor,
      field: index.searchField,
      filters: index.filterFields,
    })),
    vectorIndexes: (table.vectorIndexes ?? []).map((index) => ({
      name: index.indexDescriptor,
      field: index.vectorField,
      dimensions: index.dimensions,
      filters: index.filterFields,
    })),
  };
  problems.push(...problemsOf(definition).map((problem) => `${where}: ${problem}`));
  return isValidated ? definition : { ...definition, validator: null };
}

function readValidator(table: ExportedTable, where: string, problems: string[]): ValidatorJson | null {
  try {
    return parseValidator(table.documentType, where);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return null;
  }
}

/** One ordered index of one table; `table` is whatever name the store gives it, components included. */
export interface TableIndex {
  readonly table: string;
  readonly name: string;
  readonly fields: readonly string[];
}

export interface IndexChanges<Stored extends TableIndex> {
  /** New or with other fields. */
  readonly build: readonly TableIndex[];
  /** No longer declared, or replaced by one of `build`. */
  readonly drop: readonly Stored[];
  readonly keep: readonly Stored[];
  /** Tables that hold documents but are in no schema: kept, to be warned of. */
  readonly undeclared: readonly string[];
}

/** The ordered indexes that a table needs: the declared ones and `by_creation_time`, under the name `table`. */
export function indexesOf(definition: TableDefinition, table: string = definition.name): readonly TableIndex[] {
  return [named(BY_CREATION_TIME, []), ...definition.indexes].map((index) => ({ table, ...index }));
}

/** What a start must do so that `stored` becomes `wanted`. `by_creation_time` of a removed table stays: its documents do. */
export function changesOf<Stored extends TableIndex>(
  stored: readonly Stored[],
  wanted: readonly TableIndex[],
): IndexChanges<Stored> {
  const wantedKeys = new Set(wanted.map(keyOf));
  const storedKeys = new Set(stored.map(keyOf));
  const declared = new Set(wanted.map((index) => index.table));
  const stays = (index: Stored) => index.name === BY_CREATION_TIME || wantedKeys.has(keyOf(index));
  return {
    build: wanted.filter((index) => !storedKeys.has(keyOf(index))),
    drop: stored.filter((index) => !stays(index)),
    keep: stored.filter(stays),
    undeclared: [...new Set(stored.map((index) => index.table))].filter((table) => !declared.has(table)),
  };
}

function keyOf({ table, name, fields }: TableIndex): string {
  return JSON.stringify([table, name, ...fields]);
}
