// What `ctx.vectorSearch` of actions sends (convex/src/server/impl/vector_search_impl.ts), read, checked and run.
import type { JSONValue } from "convex/values";
import type { VectorIndex } from "./catalog.ts";
import { compileFilter, type FieldReader } from "./filterExpressions.ts";
import { checkLimit } from "./limits.ts";
import { parseIndexName } from "./queryText.ts";
import { intervalOf } from "./ranges.ts";
import type { ReadContext } from "./rowSource.ts";
import { showValue } from "./valueForms.ts";
import { searchVectors } from "./vectorRows.ts";

const RESULTS_BY_DEFAULT = 10;
const NO_INDEX = "there is no vector index";

export interface VectorResult {
  readonly _id: string;
  readonly _score: number;
}

/** @throws Error naming what was expected; LimitError beyond 256 results */
export function readVectors(context: ReadContext, component: string, query: JSONValue): readonly VectorResult[] {
  if (typeof query !== "object" || query === null || Array.isArray(query))
    throw new Error("vectorSearch: expected an object");
  const { table: tableName, index: indexName } = parseIndexName(query["indexName"]);
  const table = context.catalog.find(component, tableName);
  const index = table?.vectors.find((candidate) => candidate.name === indexName);
  if (table === undefined || index === undefined) throw new Error(`${NO_INDEX} ${tableName}.${indexName}`);
  const vector = parseVector(index, query["vector"]);
  const limit = parseLimit(query["limit"]);
  const isKept = query["expressions"] == null ? null : parseFilter(index, query["expressions"]);
  context.budget.spend("rangesRead", 1);
  context.remember({ index: table.byCreation.id, ...intervalOf(table.byCreation, []) });
  context.enter();
  return searchVectors(context.sql, index, vector, { limit, isKept }).map(({ seq, score }) => {
    const row = context.sql("SELECT id FROM documents WHERE seq = ?").get(seq);
    return { _id: (row as unknown as { readonly id: string }).id, _score: score };
  });
}

function parseVector(index: VectorIndex, json: JSONValue | undefined): readonly number[] {
  if (!Array.isArray(json) || !json.every((part) => typeof part === "number")) {
    throw new Error(`${index.name}: expected a vector of numbers, got ${showValue(json)}`);
  }
  if (json.length !== index.dimensions) {
    throw new Error(`${index.name}: expected a vector of ${index.dimensions} numbers, got ${json.length}`);
  }
  return json;
}

function parseLimit(json: JSONValue | undefined): number {
  if (json == null) return RESULTS_BY_DEFAULT;
  if (typeof json !== "number" || !Number.isInteger(json) || json < 1) {
    throw new Error(`limit: expected a whole number of at least 1, got ${showValue(json)}`);
  }
  checkLimit("vectorResults", json);
  return json;
}

function parseFilter(index: VectorIndex, expression: JSONValue): (read: FieldReader) => boolean {
  const isKept = compileFilter(expression);
  return (read) =>
    isKept((path) => {
      if (!index.filters.includes(path)) throw new Error(`${index.name}: "${path}" is none of its filter fields`);
      return read(path);
    });
}
