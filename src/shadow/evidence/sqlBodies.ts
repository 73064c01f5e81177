// Redacted bodies in a table of their own (shadow P2, §14): a ring by bytes, the oldest go first.
import { EvidenceError } from "./evidenceError.ts";
import type { BodyPlace, BodyRow, BodyStore } from "./model.ts";
import { checkKey, seal, unseal } from "./sealedBody.ts";
import { type SqlDatabase, type SqlSession, type SqlValue, upsert } from "./sqlDatabase.ts";
import { familyId } from "./sqlRows.ts";

/** shadow §14. */
const BYTES_MAX = 512 * 1024 ** 2;
/** At once: rows that go for one that comes. */
const GO_AT_ONCE = 64;

export interface BodiesOptions {
  /** 32 bytes; the same in all processes that write to one store. */
  readonly key: Uint8Array;
  readonly bytesMax?: number;
}

const KEYS = ["campaign", "family", "process", "place"] as const;
const COLUMNS = ['"group"', "at_ms", "bytes", "sealed"] as const;

export class SqlBodies implements BodyStore {
  readonly #db: SqlDatabase;
  readonly #key: Uint8Array;
  readonly #bytesMax: number;

  /** @throws EvidenceError `key` */
  constructor(db: SqlDatabase, { key, bytesMax = BYTES_MAX }: BodiesOptions) {
    this.#db = db;
    this.#key = checkKey(key);
    this.#bytesMax = bytesMax;
  }

  async save(row: BodyRow): Promise<number> {
    const { campaign, process, place, group, atMs } = row;
    const sealed = seal(this.#key, row, row.body);
    if (sealed.length > this.#bytesMax) return 1;
    return this.#db.write("rows", async (sql) => {
      const at = [campaign, familyId(row.family), process, place];
      await deleteBodies(sql, "campaign = ? AND family = ? AND process = ? AND place = ?", at);
      await addBytes(sql, sealed.length);
      await upsert(sql, "bodies", { keys: KEYS, columns: COLUMNS }, [[...at, group, atMs, sealed.length, sealed]]);
      return this.#makeRoom(sql);
    });
  }

  async #makeRoom(sql: SqlSession): Promise<number> {
    let gone = 0;
    for (;;) {
      let left = (await bodyBytes(sql)) - this.#bytesMax;
      if (left <= 0) return gone;
      const oldest = await sql.all(`SELECT seq, bytes FROM bodies ORDER BY seq LIMIT ${GO_AT_ONCE}`);
      let last = null;
      for (const { seq, bytes } of oldest) {
        if (left <= 0) break;
        left -= Number(bytes);
        last = Number(seq);
      }
      const went = last === null ? 0 : await deleteBodies(sql, "seq <= ?", [last]);
      if (went === 0) throw new EvidenceError("failed", { detail: "bodies are counted that are not there" });
      gone += went;
    }
  }

  async body(at: BodyPlace): Promise<Pick<BodyRow, "atMs" | "body"> | null> {
    const where = "campaign = ? AND family = ? AND process = ? AND place = ?";
    const values = [at.campaign, familyId(at.family), at.process, at.place];
    const [row] = await this.#db.read((sql) => sql.all(`SELECT at_ms, sealed FROM bodies WHERE ${where}`, values));
    if (row === undefined) return null;
    const atMs = Number(row["at_ms"]);
    return { atMs, body: unseal(this.#key, { ...at, atMs }, row["sealed"] as Uint8Array) };
  }

  bytes(): Promise<number> {
    return this.#db.read(bodyBytes);
  }
}

async function bodyBytes(sql: SqlSession): Promise<number> {
  const [row] = await sql.all("SELECT value FROM numbers WHERE name = 'body_bytes'");
  return Number(row?.["value"] ?? 0);
}

async function addBytes(sql: SqlSession, bytes: number): Promise<void> {
  await sql.run("UPDATE numbers SET value = value + ? WHERE name = 'body_bytes'", [bytes]);
}

/** All ways in which a body goes: what is left is always counted. Gives how many went. */
export async function deleteBodies(sql: SqlSession, where: string, values: readonly SqlValue[]): Promise<number> {
  await addBytes(sql, 0); // locks what is counted first: two who delete would wait for each other else
  const gone = await sql.all(`DELETE FROM bodies WHERE ${where} RETURNING bytes`, values);
  const bytes = gone.reduce((sum, row) => sum + Number(row["bytes"]), 0);
  if (bytes > 0) await addBytes(sql, -bytes);
  return gone.length;
}
