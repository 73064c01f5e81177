// R1, R2, health and readiness (contract rest.md §6), and the fault switch (faults.md §1).
import { renderNaive } from "../../contract/index.ts";
import { FaultSyntaxError } from "../faults/parse.ts";
import { claimsReady, isNotReady } from "../faults/processFaults.ts";
import type { Handler } from "../http/routedCall.ts";
import { json } from "../http/call.ts";
import { HttpError } from "../http/errors.ts";
import type { Services } from "../services.ts";

const CHECK_MS = 1_000;
export const VERSION = "1.0.0";

async function passes(check: Promise<void>): Promise<"ok" | "fail"> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<"fail">((resolve) => {
    timer = setTimeout(() => resolve("fail"), CHECK_MS);
  });
  const done = check.then(
    () => "ok" as const,
    () => "fail" as const,
  );
  return Promise.race([done, tooLate]).finally(() => clearTimeout(timer));
}

export function healthRoutes(services: Services): Record<string, Handler> {
  const { store, metrics, faults, clock } = services;

  return {
    R1: () => Promise.resolve(json(200, { message: "The tutoring service is running." })),
    async R2() {
      return { status: 200, body: await metrics.registry.metrics(), contentType: metrics.registry.contentType };
    },
    health: () => Promise.resolve(json(200, { status: "ok", timestamp: renderNaive(clock.now()), version: VERSION })),
    livez: () => Promise.resolve(json(200, { status: "ok" })),
    async readyz(call) {
      const lies = claimsReady(faults);
      const checks = {
        store: lies ? "ok" : await passes(store.ping()),
        boards: services.boards.isWriting() ? "ok" : "fail",
        config: services.isStopping() || isNotReady(faults, call.at) ? "fail" : "ok",
      };
      const isReady = Object.values(checks).every((check) => check === "ok");
      return json(isReady ? 200 : 503, { status: isReady ? "ready" : "not_ready", checks });
    },
    "internal.faults.set": (call) => {
      try {
        faults.replace(call.bytes.toString("utf8"));
      } catch (error) {
        if (error instanceof FaultSyntaxError) throw new HttpError(400, null, error.message);
        throw error;
      }
      return Promise.resolve({ status: 204 });
    },
    "internal.faults.get": () => Promise.resolve({ status: 200, body: faults.text, contentType: "text/plain" }),
  };
}
