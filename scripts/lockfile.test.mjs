import assert from "node:assert/strict";
import { test } from "node:test";
import { addressesIn, missingEntries } from "./lockfile.mjs";

const lock = (packages) => ({ packages });

test("builds that a package names and the lockfile lacks are given with the platform their name says", () => {
  const found = missingEntries(
    lock({
      "": { devDependencies: { tool: "1.2.3" } },
      "node_modules/tool": {
        dev: true,
        optionalDependencies: {
          "@tool/cli-linux-x64": "1.2.3",
          "@tool/cli-linux-x64-musl": "1.2.3",
          "@tool/binding-win32-arm64-msvc": "1.2.3",
          "@tool/binding-linux-x64-gnu": "1.2.3",
        },
      },
      "node_modules/@tool/cli-linux-x64": { version: "1.2.3" },
    }),
  );
  assert.deepEqual(found, {
    "node_modules/@tool/cli-linux-x64-musl": {
      version: "1.2.3",
      dev: true,
      optional: true,
      cpu: ["x64"],
      libc: ["musl"],
      os: ["linux"],
    },
    "node_modules/@tool/binding-win32-arm64-msvc": {
      version: "1.2.3",
      dev: true,
      optional: true,
      cpu: ["arm64"],
      os: ["win32"],
    },
    "node_modules/@tool/binding-linux-x64-gnu": {
      version: "1.2.3",
      dev: true,
      optional: true,
      cpu: ["x64"],
      libc: ["glibc"],
      os: ["linux"],
    },
  });
});

test("what has no platform in its name, or no exact version, is left alone", () => {
  const optionalDependencies = { fsevents: "~2.3.2", "some-addon": "1.0.0", "@tool/linux-x64": "^1.0.0" };
  assert.deepEqual(missingEntries(lock({ "node_modules/tool": { optionalDependencies } })), {});
});

test("a download address in the lockfile is found; a folder of the clone is none", () => {
  const packages = {
    "node_modules/a": { resolved: "https://example.org/a.tgz" },
    "node_modules/b": { resolved: "vendor/b", link: true },
  };
  assert.deepEqual(addressesIn(lock(packages)), ["node_modules/a"]);
});
