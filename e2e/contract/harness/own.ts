import { SERVICE_TOKEN, startCandidate, startControl, type Service } from "../../support/index.ts";
import { createContext, type Context } from "./context.ts";

export interface OwnOptions {
  readonly env?: Record<string, string>;
  /** Given to start again on the data of an arm that was stopped. */
  readonly dataDir?: string;
}

/** Starts an arm of the target's kind for one item alone, and gives a context that talks to it. */
export async function startOwn(
  c: Context,
  { env = {}, dataDir }: OwnOptions = {},
): Promise<{ arm: Service; at: Context }> {
  const options = {
    env,
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(c.bench.modelUrl === undefined ? {} : { modelUrl: `${c.bench.modelUrl}/v1` }),
  };
  const arm = await (c.target.arm === "control" ? startControl(options) : startCandidate(options));
  c.onEnd(async () => {
    arm.signal("SIGKILL");
    await arm.exited();
  });
  const secret = env["JWT_SECRET_KEY"] ?? c.target.secret;
  const at = createContext({ ...c.target, baseUrl: arm.baseUrl, secret, serviceToken: SERVICE_TOKEN }, c.bench, c.id);
  c.onEnd(() => at.dispose());
  return { arm, at };
}
