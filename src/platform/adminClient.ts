import { readFileSync } from "node:fs";
import type { RunningProxy } from "./ports.ts";

const TIMEOUT_MS = 5_000;

export interface Admin {
  /** Exposure of the unit's flag in percent; null when the flags do not say. */
  exposure(unit: string): Promise<number | null>;
  setExposure(unit: string, percent: number, reason: string): Promise<void>;
  /** The arm that serves this subject on this route now. */
  armOf(userId: string, route: string): Promise<"control" | "candidate">;
}

/** The admin API of the proxy that the demo runs, with the operate token that the process made for loopback. */
export function createAdmin({ adminAddress, operateTokenFile }: RunningProxy, env: NodeJS.ProcessEnv): Admin {
  const token =
    operateTokenFile === null ? (env["SWITCHYARD_TOKEN"] ?? "") : readFileSync(operateTokenFile, "utf8").trim();
  const base = adminAddress.replace(/\/$/, "");
  const call = async (method: "GET" | "POST", path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { "content-type": "application/json" }) },
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const json = (await answer.json()) as Record<string, unknown>;
    if (!answer.ok)
      throw new Error(`The admin listener answered ${method} ${path} with ${answer.status}: ${String(json["detail"])}`);
    return json;
  };
  return {
    async exposure(unit) {
      const { flags } = (await call("GET", "/api/flags")) as {
        flags?: { unit: string; exposurePercent: number | null }[];
      };
      return flags?.find((flag) => flag.unit === unit)?.exposurePercent ?? null;
    },
    async setExposure(unit, percent, reason) {
      await call("POST", "/api/flags", { unit, percent, reason, actor: "demo" });
    },
    async armOf(userId, route) {
      const query = new URLSearchParams({ user: userId, route });
      const { arm } = await call("GET", `/api/explain?${query.toString()}`);
      return arm === "candidate" ? "candidate" : "control";
    },
  };
}
