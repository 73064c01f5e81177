// `npm run convex:env`: prints the commands that tell a Convex deployment whose tokens to believe (public keys only).
// Environment as of the candidate service: SWITCHYARD_SIGNING_KEY, else the keys in DATA_DIR, made if there are none.
import { runOnProjectNode } from "./lib/project.mjs";

runOnProjectNode();

const { ConfigurationError } = await import("../src/convexBackend/config.ts");
const { convexVariables, envCommands } = await import("../src/convexBackend/convexEnv.ts");
const { SigningKeyError } = await import("../src/convexBackend/signingKey.ts");
try {
  process.stdout.write(envCommands(convexVariables(process.env)));
} catch (error) {
  if (!(error instanceof ConfigurationError || error instanceof SigningKeyError)) throw error;
  process.stderr.write(`convex:env: ${error.message.replace(/\.?$/, ".")}\n`);
  process.exitCode = 3;
}
