import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "./json.ts";
import type { Proxy } from "./proxy.ts";

/** The admin API of a started proxy, with the operate token that it made. */
export function adminOf(proxy: Proxy) {
  const token = readFileSync(join(proxy.stateDir, "operate.token"), "utf8").trim();
  const ask = async (path: string, body?: Json): Promise<Json> => {
    const reply = await fetch(`${proxy.adminUrl}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${text}`);
    return JSON.parse(text);
  };
  return {
    setFlag: (unit: string, percent: number) => ask("/api/flags", { unit, percent, reason: "scenario" }),
    kill: () => ask("/api/kill", { reason: "scenario" }),
    armOf: async (subject: string, route: string): Promise<"control" | "candidate"> =>
      (await ask(`/api/explain?subject=${subject}&route=${encodeURIComponent(route)}`)).arm,
    metrics: async (): Promise<string> => (await fetch(`${proxy.adminUrl}/metrics`)).text(),
    isAlive: async (): Promise<boolean> => (await fetch(`${proxy.adminUrl}/livez`)).ok,
  };
}

export type Admin = ReturnType<typeof adminOf>;

/** The sum of a metric's samples whose labels hold all the given pairs. */
export function metricSum(text: string, name: string, labels: Record<string, string> = {}): number {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => wanted.every((pair) => line.includes(pair)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
