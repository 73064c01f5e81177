// A table as a schema declares it, and what a deployment refuses in it (embedded-convex §3.4, §3.8). Pure.
import { LIMITS } from "./limits.ts";
import type { ValidatorJson } from "./validatorJson.ts";

export interface TableDefinition {
  readonly name: string;
  /** null: any object, as in a schema with `schemaValidation: false`. */
  readonly validator: ValidatorJson | null;
  /** Declared ones that may be queried: without `by_creation_time`, `by_id` and staged ones; without the ending fields. */
  readonly indexes: readonly { readonly name: string; readonly fields: readonly string[] }[];
  readonly searchIndexes: readonly {
    readonly name: string;
    readonly field: string;
    readonly filters: readonly string[];
  }[];
  readonly vectorIndexes: readonly {
    readonly name: string;
    readonly field: string;
    readonly dimensions: number;
    readonly filters: readonly string[];
  }[];
}

/** Ordered by creation; every table has it. */
export const BY_CREATION_TIME = "by_creation_time";

const IDENTIFIER = /^[a-zA-Z][a-zA-Z0-9_]*$/;
const DIMENSIONS_MIN = 2;

/** What is wrong with a definition, one sentence each; empty when nothing is. */
export function problemsOf(table: TableDefinition): readonly string[] {
  return [
    ...(IDENTIFIER.test(table.name) ? [] : [`a name has letters, digits and "_", a letter first`]),
    ...(table.validator === null ? [] : problemsOfDocument(table.validator)),
    ...problemsOfCounts(table),
    ...problemsOfNames(table),
    ...table.indexes.flatMap((index) => problemsOfIndex(index, table)),
    ...table.searchIndexes.flatMap((index) => problemsOfFilters(index, table)),
    ...table.vectorIndexes.flatMap((index) => [...problemsOfFilters(index, table), ...problemsOfDimensions(index)]),
  ];
}

function problemsOfDocument(validator: ValidatorJson): readonly string[] {
  switch (validator.type) {
    case "any":
    case "record":
      return [];
    case "object":
      return Object.keys(validator.value)
        .filter((name) => !IDENTIFIER.test(name) && name !== "_id" && name !== "_creationTime")
        .map((name) => `field "${name}": a name has letters, digits and "_", a letter first`);
    case "union":
      return validator.value.flatMap(problemsOfDocument);
    default:
      return [`documents are objects or a union of objects, not of type "${validator.type}"`];
  }
}

function problemsOfCounts({ indexes, searchIndexes, vectorIndexes }: TableDefinition): readonly string[] {
  const counted = [
    ["indexes", indexes.length + searchIndexes.length + vectorIndexes.length, LIMITS.indexesPerTable],
    ["search indexes", searchIndexes.length, LIMITS.searchIndexesPerTable],
    ["vector indexes", vectorIndexes.length, LIMITS.vectorIndexesPerTable],
  ] as const;
  return counted.flatMap(([what, count, max]) => (count > max ? [`${count} ${what}, at most ${max} allowed`] : []));
}

function problemsOfNames({ indexes, searchIndexes, vectorIndexes }: TableDefinition): readonly string[] {
  const names = [...indexes, ...searchIndexes, ...vectorIndexes].map((index) => index.name);
  const sameFields = repeated(indexes.map((index) => index.fields.join(", ")));
  return [
    ...repeated(names).map((name) => `two indexes are named "${name}"`),
    ...sameFields.map((fields) => `two indexes have the fields ${fields}`),
    ...names.flatMap((name) => {
      if (!IDENTIFIER.test(name)) return [`index "${name}": a name has letters, digits and "_", a letter first`];
      return name === BY_CREATION_TIME || name === "by_id" ? [`index "${name}": every table has it already`] : [];
    }),
  ];
}

function problemsOfIndex(index: TableDefinition["indexes"][number], table: TableDefinition): readonly string[] {
  const { length } = index.fields;
  const problems = [
    ...(length === 0 ? ["expected at least one field"] : []),
    ...(length > LIMITS.fieldsPerIndex ? [`${length} fields, at most ${LIMITS.fieldsPerIndex} allowed`] : []),
    ...repeated(index.fields).map((field) => `the field ${field} twice`),
    ...index.fields.flatMap((field) => {
      if (field === "_creationTime" || field === "_id") return [`${field} ends every index by itself: leave it out`];
      return problemsOfField(field, table);
    }),
  ];
  return problems.map((problem) => `index "${index.name}": ${problem}`);
}

function problemsOfFilters(
  index: { readonly name: string; readonly field: string; readonly filters: readonly string[] },
  table: TableDefinition,
): readonly string[] {
  const { length } = index.filters;
  const problems = [
    ...(length > LIMITS.filterFieldsPerIndex
      ? [`${length} filters, at most ${LIMITS.filterFieldsPerIndex} allowed`]
      : []),
    ...[index.field, ...index.filters].flatMap((field) => problemsOfField(field, table)),
  ];
  return problems.map((problem) => `index "${index.name}": ${problem}`);
}

function problemsOfDimensions({ name, dimensions }: { readonly name: string; readonly dimensions: number }) {
  const isSound = Number.isInteger(dimensions) && dimensions >= DIMENSIONS_MIN && dimensions <= LIMITS.vectorDimensions;
  const expected = `expected ${DIMENSIONS_MIN} to ${LIMITS.vectorDimensions} dimensions`;
  return isSound ? [] : [`index "${name}": ${expected}, got ${String(dimensions)}`];
}

function problemsOfField(field: string, table: TableDefinition): readonly string[] {
  const steps = field.split(".");
  if (field === "_creationTime" || field === "_id") return [];
  if (!steps.every((step) => IDENTIFIER.test(step))) return [`"${field}" is no path of field names`];
  return table.validator === null || canHold(table.validator, steps) ? [] : [`no document can have the field ${field}`];
}

/** Whether a value of `validator` can have something at the path: a misspelt field would index nothing, silently. */
function canHold(validator: ValidatorJson, steps: readonly string[]): boolean {
  const [step, ...rest] = steps;
  if (step === undefined || validator.type === "any") return true;
  switch (validator.type) {
    case "union":
      return validator.value.some((member) => canHold(member, steps));
    case "record":
      return canHold(validator.values.fieldType, rest);
    case "object": {
      const field = Object.hasOwn(validator.value, step) ? validator.value[step] : undefined;
      return field !== undefined && canHold(field.fieldType, rest);
    }
    default:
      return false;
  }
}

/** What is in the list more than once, each once. */
export function repeated(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
