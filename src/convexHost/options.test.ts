import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, parseOptions } from "./options.ts";

const problemsOf = (line: string): readonly string[] => {
  try {
    parseOptions(line.split(" ").filter((word) => word !== ""));
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
};

test("the least a host needs: functions and data; all else has a default that is safe", () => {
  assert.deepEqual(parseOptions(["--functions", "convex", "--data", "d"]), {
    command: "serve",
    functionsDir: "convex",
    dataDir: "d",
    port: 8004,
    listen: "127.0.0.1",
    envFile: null,
    url: null,
    origins: [],
    isDeterminismChecked: false,
    isWatching: false,
  });
});

test("reads every flag", () => {
  const line =
    "--functions convex --data=d --port 0 --listen 0.0.0.0 --env-file e.env --url http://host.example:8004 --origin http://localhost:5173 --origin https://a.example --check-determinism --watch";
  assert.deepEqual(parseOptions(line.split(" ")), {
    command: "serve",
    functionsDir: "convex",
    dataDir: "d",
    port: 0,
    listen: "0.0.0.0",
    envFile: "e.env",
    url: "http://host.example:8004",
    origins: ["http://localhost:5173", "https://a.example"],
    isDeterminismChecked: true,
    isWatching: true,
  });
});

test("a first -- is passed over: it keeps Node's hands off the flags", () => {
  const flags = ["--functions", "convex", "--data", "d", "--env-file", "e.env"];
  assert.deepEqual(parseOptions(["--", ...flags]), parseOptions(flags));
  assert.deepEqual(problemsOf("--functions convex -- --data d"), [
    '"--data": expected "export", "import" or flags only',
    '"d": expected "export", "import" or flags only',
    "--data: missing",
  ]);
});

test("export and import take one directory and the data", () => {
  assert.deepEqual(parseOptions(["export", "out", "--data", "d"]), {
    command: "export",
    snapshotDir: "out",
    dataDir: "d",
  });
  assert.deepEqual(parseOptions(["import", "--data", "d", "in"]), {
    command: "import",
    snapshotDir: "in",
    dataDir: "d",
  });
  assert.deepEqual(problemsOf("export --data d"), ["export: expected one directory"]);
  assert.deepEqual(problemsOf("import a b --port 1"), [
    "import: expected one directory",
    "--port: not used by import",
    "--data: missing",
  ]);
});

test("tells all problems at once", () => {
  assert.deepEqual(problemsOf("--prot 1 --port 65536 --watch=yes --origin localhost extra --data"), [
    "--prot: expected one of --functions, --data, --port, --listen, --env-file, --url, --origin, --check-determinism, --watch",
    "--watch: expected no value",
    "--data: expected a value",
    '"1": expected "export", "import" or flags only',
    '"extra": expected "export", "import" or flags only',
    "--functions: missing",
    '--port: expected a number from 0 to 65535, got "65536"',
    '--origin: expected an origin such as http://localhost:5173, got "localhost"',
  ]);
  assert.deepEqual(problemsOf("--functions a --data b --data c"), ["--data: given twice"]);
  assert.deepEqual(problemsOf("--functions a --data b --port 1e3"), [
    '--port: expected a number from 0 to 65535, got "1e3"',
  ]);
  assert.deepEqual(problemsOf("--functions a --data b --origin http://x.example/path"), [
    '--origin: expected an origin such as http://localhost:5173, got "http://x.example/path"',
  ]);
  assert.deepEqual(problemsOf("--functions a --data b --url ws://x.example"), [
    '--url: expected an origin such as http://localhost:5173, got "ws://x.example"',
  ]);
});
