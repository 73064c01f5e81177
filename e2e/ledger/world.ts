import {
  type Admin,
  adminOf,
  call,
  createIssuer,
  type Proxy,
  type Service,
  startCandidate,
  startControl,
  startProxy,
  startStandIn,
  TEST_SECRET,
  type User,
} from "../support/index.ts";

/** Both arms, the stand-in model and the proxy, all real, with half of the subjects on each arm. */
export interface World {
  readonly control: Service;
  readonly candidate: Service;
  readonly proxy: Proxy;
  readonly admin: Admin;
  /** Of the stand-in, without `/v1`. */
  readonly modelUrl: string;
  /** New users who are served by this arm. */
  usersOn(arm: "control" | "candidate", count: number): Promise<User[]>;
  stop(): Promise<void>;
}

/** The arm is shown, so that users are sorted by what really serves them; and the end of a scenario is not spread. */
const FAST_STOP = { SWITCHYARD__HEADERS__EXPOSE_ARM: "true", SWITCHYARD__DRAIN__SOCKETS: "250ms" };

async function armServing(proxy: Proxy, user: User): Promise<string> {
  const headers = { authorization: `Bearer ${user.token}` };
  const reply = await call(proxy.baseUrl, { method: "GET", path: "/api/v1/folders/", headers });
  return reply.headers["x-backend-arm"] === "legacy" ? "control" : "candidate";
}

export async function startWorld(
  armEnv: Record<string, string> = {},
  options: {
    readonly controlDir?: string;
    readonly candidateDir?: string;
    readonly proxyEnv?: Record<string, string>;
  } = {},
): Promise<World> {
  const model = await startStandIn();
  const openAiUrl = `${model.baseUrl}/v1`;
  const [control, candidate] = await Promise.all([
    startControl({
      modelUrl: openAiUrl,
      env: armEnv,
      ...(options.controlDir !== undefined && { dataDir: options.controlDir }),
    }),
    startCandidate({
      modelUrl: openAiUrl,
      env: armEnv,
      ...(options.candidateDir !== undefined && { dataDir: options.candidateDir }),
    }),
  ]);
  const proxy = await startProxy({
    controlUrl: control.baseUrl,
    candidateUrl: candidate.baseUrl,
    everyoneOn: "control",
    env: { ...FAST_STOP, ...options.proxyEnv },
  });
  const admin = adminOf(proxy);
  await admin.setFlag("tutoring", 50);
  const issuer = createIssuer(TEST_SECRET);
  return {
    control,
    candidate,
    proxy,
    admin,
    modelUrl: model.baseUrl,
    async usersOn(arm, count) {
      const users: User[] = [];
      while (users.length < count) {
        const user = issuer.user();
        if ((await armServing(proxy, user)) === arm) users.push(user);
      }
      return users;
    },
    async stop() {
      for (const service of [proxy, control, candidate, model]) await service.stop();
    },
  };
}

/** A session of this user, made through the proxy. */
export async function newSession(proxy: Proxy, user: User): Promise<string> {
  const reply = await call(proxy.baseUrl, {
    method: "POST",
    path: "/api/v1/sessions",
    headers: { authorization: `Bearer ${user.token}`, "content-type": "application/json" },
    body: "{}",
  });
  if (reply.status !== 201) throw new Error(`a session could not be made: ${reply.status} ${reply.text}`);
  return (reply.json() as { session_id: string }).session_id;
}

export const socketUrl = (proxy: Proxy, path: string): string => `${proxy.baseUrl.replace("http", "ws")}${path}`;
