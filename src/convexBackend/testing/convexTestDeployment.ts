// The functions of convex/ behind the HTTP API of a deployment, in memory: tokens are verified, everything is JSON.
import type { TestContext } from "node:test";
import { makeFunctionReference } from "convex/server";
import { convexToJson, jsonToConvex, type Value } from "convex/values";
import { AS_SERVICE, asUser, StoreRefusal } from "../ports.ts";
import type { SigningKeys } from "../signingKey.ts";
import { createConvexTestStore } from "../store/convexTestStore.ts";
import { type FakeDeployment, fakeDeployment, send, success } from "./fakeDeployment.ts";
import { opened } from "./tokens.ts";

/** `keys` are asked for with the first call: the service may make them. */
export function convexTestDeployment(t: TestContext, keys: () => SigningKeys): Promise<FakeDeployment> {
  const store = createConvexTestStore();
  return fakeDeployment(t, async ({ path, token, body }, response) => {
    const { claims } = opened(token, keys());
    const identity = claims.role === "user" ? asUser(claims.sub) : AS_SERVICE;
    const args = jsonToConvex(body.args[0]) as Record<string, Value>;
    try {
      const value: unknown =
        path === "/api/query"
          ? await store.query(makeFunctionReference<"query">(body.path), args, identity)
          : await store.mutation(makeFunctionReference<"mutation">(body.path), args, identity);
      send(response, 200, success(convexToJson(value as Value)));
    } catch (error) {
      const errorData = error instanceof StoreRefusal ? { errorData: convexToJson(error.data as Value) } : {};
      send(response, 200, { status: "error", errorMessage: "Server Error", logLines: [], ...errorData });
    }
  });
}
