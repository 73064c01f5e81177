// What `npx convex deploy` and its kin would ask of a deployment (cli/lib of the package `convex`). Pure.
import { TransportError } from "./words.ts";

/** `get_config_hashes` is what `deploy` and `dev` ask first; `v1` are the calls about environment variables and URLs. */
const DEPLOY_PATH =
  /^\/api\/(deploy2\/|v1\/|import\/|export\/|shapes2|prepare_schema|push_config|get_config|get_config_hashes|perform_import|update_environment_variables|run_test_function|stream_function_logs)/;

export function isDeployPath(path: string): boolean {
  return DEPLOY_PATH.test(path);
}

/** 403, because the command line prints the sentence of that status alone. */
export function deployRefusal(): TransportError {
  const sentence =
    "The embedded host (Convex-compatible) runs the functions of the folder it was started with, so nothing can be deployed, configured or imported here.";
  return new TransportError(403, "DeployNotSupported", sentence);
}
