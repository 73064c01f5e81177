// What `1.0/queryStream` and `1.0/queryPage` send (convex/src/server/impl/query_impl.ts), read and checked. Pure.
import type { JSONValue } from "convex/values";
import { compileFilter, type FieldReader } from "./filterExpressions.ts";
import type { IndexRange } from "./ranges.ts";
import { BY_CREATION_TIME } from "./tableDefinition.ts";
import { showValue } from "./valueForms.ts";

export type QuerySource =
  | { readonly type: "range"; readonly table: string; readonly index: string; readonly range: IndexRange }
  | {
      readonly type: "search";
      readonly table: string;
      readonly index: string;
      readonly filters: readonly SearchStep[];
    };

export interface SearchStep {
  readonly type: "Search" | "Eq";
  readonly fieldPath: string;
  readonly value: JSONValue;
}

export type QueryOperator = { readonly isKept: (read: FieldReader) => boolean } | { readonly limit: number };

export interface ParsedQuery {
  readonly source: QuerySource;
  readonly isDescending: boolean;
  readonly operators: readonly QueryOperator[];
}

/** As Convex documents them. */
const SEARCH_FILTERS_MAX = 8;
const OPERATORS_MAX = 256;

/** @throws Error saying what was expected: the query comes from a function, through the `convex` package or past it */
export function parseQuery(json: JSONValue): ParsedQuery {
  const { source, operators } = objectOf(json, "query");
  const { type, order = null, ...rest } = objectOf(source ?? null, "query.source");
  if (!Array.isArray(operators) || operators.length > OPERATORS_MAX) {
    throw new Error(`query.operators: expected a list of at most ${OPERATORS_MAX}`);
  }
  if (order !== null && order !== "asc" && order !== "desc") throw new Error(`query order: expected "asc" or "desc"`);
  return {
    source: parseSource(type ?? null, rest),
    isDescending: order === "desc",
    operators: operators.map(parseOperator),
  };
}

function parseSource(type: JSONValue, source: { readonly [field: string]: JSONValue | undefined }): QuerySource {
  switch (type) {
    case "FullTableScan":
      return { type: "range", table: textOf(source["tableName"], "tableName"), index: BY_CREATION_TIME, range: [] };
    case "IndexRange": {
      const steps = listOf(source["range"], "range").map((step) => parseStep(step, RANGE_STEPS) as IndexRange[number]);
      return { type: "range", ...parseIndexName(source["indexName"]), range: steps };
    }
    case "Search": {
      const steps = listOf(source["filters"], "filters").map((step) => parseStep(step, SEARCH_STEPS) as SearchStep);
      if (steps.length > SEARCH_FILTERS_MAX + 1) {
        throw new Error(`a search takes at most ${SEARCH_FILTERS_MAX} filters, got ${steps.length - 1}`);
      }
      return { type: "search", ...parseIndexName(source["indexName"]), filters: steps };
    }
    default:
      throw new Error(`query.source.type: expected FullTableScan, IndexRange or Search, got ${showValue(type)}`);
  }
}

const RANGE_STEPS = ["Eq", "Gt", "Gte", "Lt", "Lte"];
const SEARCH_STEPS = ["Search", "Eq"];

function parseStep(json: JSONValue, types: readonly string[]): { type: string; fieldPath: string; value: JSONValue } {
  const { type, fieldPath, value } = objectOf(json, "a step of a range");
  if (typeof type !== "string" || !types.includes(type)) throw new Error(`expected a step of type ${types.join(", ")}`);
  if (value === undefined) throw new Error(`${type}: expected a value`);
  return { type, fieldPath: textOf(fieldPath, "fieldPath"), value };
}

/** `messages.by_author`. */
export function parseIndexName(json: JSONValue | undefined): { readonly table: string; readonly index: string } {
  const [table, index, ...more] = textOf(json, "indexName").split(".");
  if (table === undefined || index === undefined || more.length > 0) {
    throw new Error(`expected an index as "table.index", got ${showValue(json)}`);
  }
  return { table, index };
}

function parseOperator(json: JSONValue): QueryOperator {
  const { filter, limit } = objectOf(json, "an operator of a query");
  if (filter !== undefined) return { isKept: compileFilter(filter) };
  if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 0) {
    throw new Error(`limit: expected a whole number of at least 0, got ${showValue(limit)}`);
  }
  return { limit };
}

function objectOf(json: JSONValue | undefined, where: string): { readonly [field: string]: JSONValue | undefined } {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new Error(`${where}: expected an object`);
  return json;
}

function listOf(json: JSONValue | undefined, where: string): readonly JSONValue[] {
  if (!Array.isArray(json)) throw new Error(`${where}: expected a list`);
  return json;
}

function textOf(json: JSONValue | undefined, where: string): string {
  if (typeof json !== "string") throw new Error(`${where}: expected text, got ${showValue(json)}`);
  return json;
}
