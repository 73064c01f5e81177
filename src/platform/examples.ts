import type { Admin } from "./adminClient.ts";
import type { StudentToken } from "./demoTraffic.ts";
import { writePrivate } from "./secretFile.ts";

const ROUTE = "GET /api/v1/sessions";

export interface Examples {
  readonly control: StudentToken | null;
  readonly candidate: StudentToken | null;
  readonly counts: { readonly control: number; readonly candidate: number };
}

/** One student of each arm, as the flags decide now, and how many there are of each. */
export async function chooseExamples(
  students: readonly StudentToken[],
  admin: Pick<Admin, "armOf">,
): Promise<Examples> {
  const arms = await Promise.all(students.map((student) => admin.armOf(student.userId, ROUTE)));
  const on = (arm: string): StudentToken[] => students.filter((_, index) => arms[index] === arm);
  const [control, candidate] = [on("control"), on("candidate")];
  return {
    control: control[0] ?? null,
    candidate: candidate[0] ?? null,
    counts: { control: control.length, candidate: candidate.length },
  };
}

/** For curl, in a file that only its owner may read: tokens do not belong on a screen (security D2). */
export function writeExamples(file: string, { control, candidate }: Examples): void {
  writePrivate(file, `${JSON.stringify({ control, candidate }, null, 2)}\n`);
}
