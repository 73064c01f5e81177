import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatusView } from "../console/index.ts";
import { statusText } from "./statusText.ts";

const NOW = Date.UTC(2026, 10, 20, 14, 2, 10);
const plain = {
  alarm: (text: string) => text,
  bold: (text: string) => text,
  armMark: (arm: string) => (arm === "control" ? "●" : "▲"),
};

const view: StatusView = {
  schemaVersion: 1,
  version: "0.1.0",
  nowMs: NOW,
  readiness: { isReady: true, checks: { configured: true, listening: true, flags: true, notDraining: true } },
  configuration: { file: "switchyard.config.yaml", hash: "9f2c", loadedAtMs: NOW, refusedReload: null },
  flags: { source: "file", epoch: 12, dataAgeMs: 4_000, isStale: false },
  kills: [],
  pinCount: 2,
  windowMs: 60_000,
  units: [
    {
      unit: "tutoring",
      flag: "switchyard.tutoring",
      fixed: null,
      exposurePercent: 25,
      arms: [
        {
          arm: "control",
          sharePercent: 75,
          requests: 24_720,
          errors: 52,
          requestsPerSecond: 412,
          errorRatio: 0.0021,
          p95Ms: 180,
          isP95Floor: false,
          sockets: 1_204,
        },
        {
          arm: "candidate",
          sharePercent: 25,
          requests: 8_280,
          errors: 20,
          requestsPerSecond: 138,
          errorRatio: 0.0024,
          p95Ms: 10_000,
          isP95Floor: true,
          sockets: 1,
        },
      ],
    },
  ],
  arms: [
    {
      arm: "control",
      backend: "legacy",
      instances: [{ url: "http://127.0.0.1:8001", isReady: true, sinceMs: NOW - 370_000 }],
    },
    {
      arm: "candidate",
      backend: "convex",
      instances: [{ url: "http://127.0.0.1:8002", isReady: false, sinceMs: NOW - 3_000 }],
    },
  ],
};

test("a unit shows both arms with rate, p95, errors with their count, and sockets", () => {
  assert.equal(
    statusText(view, plain),
    [
      "switchyard 0.1.0   ready   flags file, 4 s old   epoch 12   2 pins   rates over 1 m",
      "tutoring   25 % on candidate   flag switchyard.tutoring",
      "  ● control    legacy  75 %  412 req/s  p95 180 ms       errors 0.21 % (52 of 24 720)  1 204 sockets",
      "  ▲ candidate  convex  25 %  138 req/s  p95 > 10 000 ms  errors 0.24 % (20 of 8 280)   1 socket",
      "arms",
      "  ● control    legacy  http://127.0.0.1:8001  ready for 6 m 10 s",
      "  ▲ candidate  convex  http://127.0.0.1:8002  NOT READY for 3 s",
    ].join("\n"),
  );
});

test("what is wrong stands first: kill layers, a refused reload, missing and stale flags, unready checks", () => {
  const text = statusText(
    {
      ...view,
      readiness: { isReady: false, checks: { ...view.readiness.checks, flags: false } },
      configuration: { ...view.configuration, refusedReload: "switchyard.config.yaml: 1 problem" },
      flags: { ...view.flags, dataAgeMs: null },
      kills: [{ layer: "L1", reason: "errors", actor: "person:ada", sinceMs: NOW }],
    },
    plain,
  );
  const head = text.split("\n").slice(0, 6).join("\n");
  assert.match(
    head,
    /^KILL SWITCH L1 {2}everything is served by control since 2026-11-20 14:02:10 UTC: "errors", by person:ada\n/,
  );
  assert.match(head, /clear it: switchyard kill off --layer L1/);
  assert.match(head, /RELOAD REFUSED .*\nswitchyard\.config\.yaml: 1 problem/);
  assert.match(head, /NOT READY {2}flags/);
  assert.match(text, /NO FLAG DATA {2}the source "file"/);
  assert.match(
    statusText({ ...view, flags: { ...view.flags, isStale: true, dataAgeMs: 240_000 } }, plain),
    /^FLAGS STALE {2}serving last known, age 4 m/,
  );
});

test("workers that do not answer are said to be unknown, not ready", () => {
  assert.match(statusText({ ...view, arms: null }, plain), /arms {3}unknown: the workers did not answer in time/);
});
