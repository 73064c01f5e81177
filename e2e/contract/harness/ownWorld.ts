import { startProxy, type Proxy, type Service } from "../../support/index.ts";
import { createContext, type Context } from "./context.ts";
import { startOwn, type OwnOptions } from "./own.ts";

/** Nothing listens here: the other arm must not matter to people who are not on it. */
const NOBODY = "http://127.0.0.1:9";

/** An arm and a proxy in front of it for one item alone; every person is served by that arm. */
export async function startOwnWorld(
  c: Context,
  options: OwnOptions = {},
): Promise<{ arm: Service; proxy: Proxy; at: Context }> {
  const { arm } = await startOwn(c, options);
  const everyoneOn = c.target.arm;
  const proxy = await startProxy({
    controlUrl: everyoneOn === "control" ? arm.baseUrl : NOBODY,
    candidateUrl: everyoneOn === "candidate" ? arm.baseUrl : NOBODY,
    everyoneOn,
    hasRelay: false,
  });
  c.onEnd(async () => {
    proxy.signal("SIGKILL");
    await proxy.exited();
  });
  const at = createContext({ ...c.target, baseUrl: proxy.baseUrl }, c.bench, c.id);
  c.onEnd(() => at.dispose());
  return { arm, proxy, at };
}
