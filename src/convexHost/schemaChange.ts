// Makes a file fit the schemas of a start (embedded-convex §3.4), inside of a transaction that the caller ends.
import { BY_ID, type Catalog, type IndexKind, isSystemTable, shownTable, type Sql, type Table } from "./catalog.ts";
import { countDocuments, fillIndexes, walkDocuments } from "./documentRows.ts";
import { changesOf, indexesOf, type ParsedSchema, SYSTEM_TABLES, type TableDefinition } from "./schema.ts";
import { dropSearchRows } from "./searchRows.ts";
import { documentOf, withoutSystemFields } from "./storedJson.ts";
import { checkValue } from "./validate.ts";
import type { ValidatorJson } from "./validatorJson.ts";
import { dropVectorRows } from "./vectorRows.ts";

const DOCUMENTS_SHOWN = 5;

export interface TableMismatch {
  /** As messages call it: `messages`, `component/messages`. */
  readonly table: string;
  /** How many documents do not match. */
  readonly count: number;
  /** The first five; the problem names the field and what was expected. */
  readonly documents: readonly { readonly id: string; readonly problem: string }[];
}

/** Stored documents do not match the schema: the host does not start. */
export class SchemaMismatch extends Error {
  override readonly name = "SchemaMismatch";
  readonly tables: readonly TableMismatch[];
  constructor(tables: readonly TableMismatch[]) {
    super(`stored documents do not match the schema\n${tables.map(tell).join("\n")}`);
    this.tables = tables;
  }
}

function tell({ table, count, documents }: TableMismatch): string {
  const shown = documents.map(({ id, problem }) => `  ${id}: ${problem.replaceAll("\n", "; ")}`);
  const rest = count > documents.length ? [`  and ${count - documents.length} more`] : [];
  return [
    `table "${table}": ${count} ${count === 1 ? "document does" : "documents do"} not match`,
    ...shown,
    ...rest,
  ].join("\n");
}

interface Wanted {
  readonly table: Table;
  readonly definition: TableDefinition;
}

/**
 * @param byComponent null: the system tables alone, everything else stays as it is; else a component that is missing has an
 * empty schema. Gives warnings. @throws SchemaMismatch; the caller rolls back
 */
export function applySchemas(
  sql: Sql,
  catalog: Catalog,
  byComponent: ReadonlyMap<string, ParsedSchema> | null,
): readonly string[] {
  const inComponent = (component: string) => (definition: TableDefinition) => ({
    // All tables first: validators and ids name tables of one another.
    table: catalog.find(component, definition.name) ?? catalog.declare(component, definition.name),
    definition,
  });
  const components = new Set(["", ...(byComponent?.keys() ?? []), ...catalog.all().map((table) => table.component)]);
  const wanted: readonly Wanted[] = [
    ...[...components].flatMap((component) => SYSTEM_TABLES.map(inComponent(component))),
    ...[...(byComponent ?? [])].flatMap(([component, { tables }]) => tables.map(inComponent(component))),
  ];
  const mismatches = wanted.flatMap((each) => checkStored(sql, catalog, each) ?? []);
  if (mismatches.length > 0) throw new SchemaMismatch(mismatches);
  const stored = catalog.all().filter((table) => byComponent !== null || isSystemTable(table.name));
  const undeclared = changeIndexes(sql, catalog, stored, wanted);
  for (const { table, definition } of wanted) saveValidator(sql, table, definition.validator);
  for (const table of undeclared) saveValidator(sql, table, null);
  catalog.load();
  return undeclared
    .filter((table) => byComponent?.has(table.component) === true)
    .flatMap((table) => warnOf(sql, table));
}

/** null when all match. A validator that the table has already was checked at each write. */
function checkStored(sql: Sql, catalog: Catalog, { table, definition }: Wanted): TableMismatch | null {
  const { validator } = definition;
  if (validator === null || JSON.stringify(validator) === JSON.stringify(table.validator)) return null;
  const tableOf = (id: string) => catalog.tableOfId(table.component, id)?.name ?? null;
  const documents: { id: string; problem: string }[] = [];
  let count = 0;
  for (const { id, json } of walkDocuments(sql, table)) {
    const problem = checkValue(validator, withoutSystemFields(documentOf(json)), tableOf);
    if (problem === null) continue;
    count += 1;
    if (documents.length < DOCUMENTS_SHOWN) documents.push({ id, problem });
  }
  return count === 0 ? null : { table: shownTable(table.component, table.name), count, documents };
}

/** Gives the tables that are in no schema. */
function changeIndexes(
  sql: Sql,
  catalog: Catalog,
  stored: readonly Table[],
  wanted: readonly Wanted[],
): readonly Table[] {
  const nameOf = (table: Table) => shownTable(table.component, table.name);
  const storedIndexes = stored.flatMap((table) =>
    table.ranges.filter(({ name }) => name !== BY_ID).map((index) => ({ ...index, table: nameOf(table) })),
  );
  const wantedIndexes = wanted.flatMap(({ table, definition }) => indexesOf(definition, nameOf(table)));
  const { build, drop, undeclared } = changesOf(storedIndexes, wantedIndexes);
  for (const index of drop) dropRange(sql, index.id);
  for (const { table, definition } of wanted) {
    const ranges = build
      .filter((index) => index.table === nameOf(table))
      .map(({ name, fields }) => ({
        id: catalog.addIndex(table.number, "range", name, fields),
        table: table.name,
        name,
        fields,
      }));
    const searches = changeOthers(sql, catalog, table, "search", table.searches, definition.searchIndexes);
    const vectors = changeOthers(sql, catalog, table, "vector", table.vectors, definition.vectorIndexes);
    if (ranges.length + searches.length + vectors.length > 0) fillIndexes(sql, table, { ranges, searches, vectors });
  }
  const undeclaredTables = stored.filter((table) => undeclared.includes(nameOf(table)));
  for (const table of undeclaredTables) {
    for (const index of table.searches) dropOther(sql, "search", index.id);
    for (const index of table.vectors) dropOther(sql, "vector", index.id);
  }
  return undeclaredTables;
}

function dropRange(sql: Sql, id: number): void {
  sql("DELETE FROM entries WHERE idx = ?").run(id);
  dropRow(sql, id);
}

function dropRow(sql: Sql, id: number): void {
  sql("DELETE FROM indexes WHERE id = ?").run(id);
}

type OtherKind = Exclude<IndexKind, "range">;

function dropOther(sql: Sql, kind: OtherKind, id: number): void {
  if (kind === "search") dropSearchRows(sql, { id });
  else dropVectorRows(sql, { id });
  dropRow(sql, id);
}

/** Search and vector indexes: drops what is no longer wanted as it is; gives those to build. */
function changeOthers<Definition extends { readonly name: string }>(
  sql: Sql,
  catalog: Catalog,
  table: Table,
  kind: OtherKind,
  stored: readonly (Definition & { readonly id: number })[],
  wanted: readonly Definition[],
): (Definition & { readonly id: number })[] {
  const textOf = (definition: Definition) => JSON.stringify(Object.entries({ ...definition, id: 0 }).sort());
  const wantedTexts = new Set(wanted.map(textOf));
  const storedTexts = new Set(stored.map(textOf));
  for (const index of stored) {
    if (!wantedTexts.has(textOf(index))) dropOther(sql, kind, index.id);
  }
  return wanted
    .filter((definition) => !storedTexts.has(textOf(definition)))
    .map((definition) => ({ ...definition, id: catalog.addIndex(table.number, kind, definition.name, definition) }));
}

function saveValidator(sql: Sql, table: Table, validator: ValidatorJson | null): void {
  sql("UPDATE tables SET validator = ? WHERE number = ?").run(JSON.stringify(validator), table.number);
}

function warnOf(sql: Sql, table: Table): readonly string[] {
  const count = countDocuments(sql, table);
  if (count === 0) return [];
  const name = shownTable(table.component, table.name);
  return [`table "${name}" is in no schema any more: kept with its ${count} ${count === 1 ? "document" : "documents"}`];
}
