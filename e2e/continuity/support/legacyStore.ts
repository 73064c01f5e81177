import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const DAY_MS = 24 * 3_600_000;

/** Makes everything in the feed of a control that does not run older, so that its next start finds it expired. */
export function age(dataDir: string, days: number): void {
  const db = new DatabaseSync(join(dataDir, "legacy", "tutoring.sqlite"));
  db.prepare("UPDATE changes SET entered_at = entered_at - ?").run(days * DAY_MS);
  db.close();
}
