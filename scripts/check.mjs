// `npm run check`: types, lint, format, boundaries, dead code, generated files. Changes nothing.
import { checks } from "./lib/parts.mjs";
import { runOnProjectNode } from "./lib/project.mjs";
import { runParts } from "./lib/runParts.mjs";

runOnProjectNode();
process.exitCode = await runParts([{ parts: checks(), lanes: 2 }]);
