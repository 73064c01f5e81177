// Programs that cannot come from npm or PyPI (ux.md §2, row "system").
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

// Debian puts servers into sbin, which is not on an ordinary user's PATH.
const EXTRA = process.platform === "win32" ? [] : ["/usr/sbin", "/usr/local/sbin", "/sbin"];

export function hasProgram(name, env = process.env) {
  return [...(env.PATH ?? "").split(delimiter), ...EXTRA].some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export const missingSentence = (names) => `needs ${names.join(", ")}; sudo bash scripts/system.sh`;
