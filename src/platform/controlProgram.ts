import { existsSync } from "node:fs";
import { join } from "node:path";
import { ServiceFailed, type ServiceSpec } from "./supervisor.ts";

function venvPython(root: string): string {
  const places = [
    join(root, "legacy", ".venv", "bin", "python"),
    join(root, "legacy", ".venv", "Scripts", "python.exe"),
  ];
  const python = places.find((place) => existsSync(place));
  if (python) return python;
  throw new ServiceFailed("The Python environment of the control service is missing; run `node scripts/ensure.mjs`.");
}

/** How the control service is started, as an arm and as a shadow target. @throws ServiceFailed when it is not installed */
export const controlProgram = (root: string): Pick<ServiceSpec, "command" | "args" | "cwd"> => ({
  command: venvPython(root),
  args: ["-m", "tutoring"],
  cwd: join(root, "legacy"),
});

/** Contract README §5. */
export const CONTROL_ENV = { TZ: "UTC", PYTHONUNBUFFERED: "1" } as const;
