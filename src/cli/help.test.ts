import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "commander";
import { capture } from "./testing/captured.ts";
import { assertGolden } from "./testing/golden.ts";

const COMMANDS: readonly (readonly string[])[] = [
  [],
  ["run"],
  ["validate"],
  ["doctor"],
  ["config"],
  ["config", "show"],
  ["status"],
  ["explain"],
  ["flags"],
  ["flags", "list"],
  ["flags", "set"],
  ["pin"],
  ["pin", "add"],
  ["pin", "list"],
  ["pin", "rm"],
  ["kill"],
  ["kill", "on"],
  ["kill", "off"],
  ["data"],
  ["data", "status"],
  ["data", "verify"],
  ["data", "copy"],
  ["data", "repair"],
  ["shadow"],
  ["shadow", "report"],
  ["shadow", "show"],
  ["shadow", "forget"],
  ["shadow", "rules"],
  ["shadow", "rules", "test"],
];

test("every command's help is as agreed, and starts with examples", async () => {
  const pages: string[] = [];
  for (const command of COMMANDS) {
    const { code, stdout, stderr } = await capture([...command, "--help"]);
    assert.deepEqual([code, stderr], [0, ""], command.join(" "));
    assert.match(stdout, /^Examples:\n {2}switchyard /, command.join(" "));
    pages.push(`$ switchyard ${[...command, "--help"].join(" ")}\n${stdout}`);
  }
  assertGolden("help.golden.txt", pages.join("\n"));
});

test("no option takes a token: those show in process lists", async () => {
  for (const command of COMMANDS)
    assert.doesNotMatch((await capture([...command, "--help"])).stdout, /--\w*(token|secret)/i);
});

test("an unknown command is wrong usage, with the one that was meant", async () => {
  const { code, stdout, stderr } = await capture(["statsu"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /unknown command 'statsu'\n\(Did you mean status\?\)/);
});

test("wrong usage is exit 2: unknown option, missing argument, one too many, bad value, no command", async () => {
  const wrong = [
    ["status", "--nope"],
    ["flags", "set", "orders"],
    ["flags", "set", "orders", "25", "more"],
    ["flags", "set", "orders", "12.55"],
    ["flags", "set", "orders", "101"],
    ["pin", "add", "--user", "u_1", "--arm", "legacy", "--until", "2h"],
    ["pin", "add", "--user", "u_1", "--arm", "control"],
    ["pin", "add", "--user", "u_1", "--arm", "control", "--until", "120"],
    ["pin", "rm"],
    ["kill", "on"],
    ["kill", "off", "--reason", "x", "--layer", "L9"],
    ["explain", "--user", "u_1"],
    ["explain", "--user", "u_1", "--subject", "u_2", "--route", "GET /x"],
    ["config", "show"],
    ["status", "--admin-url", "127.0.0.1:9901"],
    ["status", "--admin-url", "http://user@127.0.0.1:9901"],
    [],
    ["flags"],
    ["shadow"],
    ["shadow", "rules"],
    ["shadow", "forget"],
    ["shadow", "forget", "u_1", "u_2"],
    ["shadow", "rules", "test"],
    ["shadow", "report", "--since", "24"],
    ["shadow", "report", "--format", "pdf"],
    ["shadow", "report", "--json", "--format", "html"],
    ["shadow", "report", "orders", "--unit", "accounts"],
  ];
  for (const argv of wrong) {
    const { code, stdout, stderr } = await capture(argv);
    assert.deepEqual([code, stdout], [2, ""], argv.join(" "));
    assert.notEqual(stderr, "", argv.join(" "));
  }
});

test("the version is data", async () => {
  assert.deepEqual(await capture(["--version"]), { code: 0, stdout: "0.1.0\n", stderr: "" });
});

test("a bug of ours is exit 70 and asks to be reported", async () => {
  const { code, stderr } = await capture(["boom"], {
    deps: {
      applicationCommands: [
        (program) =>
          void program.command("boom").action(() => {
            throw new TypeError("the cause");
          }),
      ],
    },
  });
  assert.equal(code, 70);
  assert.match(stderr, /bug of switchyard 0\.1\.0: TypeError: the cause/);
});

test("an application's command ends with the exit code its error carries", async () => {
  const failing = (program: Command): void =>
    void program
      .command("show")
      .action(() => Promise.reject(Object.assign(new Error("port 8000 is taken"), { exitCode: 4 })));
  const { code, stderr } = await capture(["show"], { deps: { applicationCommands: [failing] } });
  assert.deepEqual([code, stderr], [4, "port 8000 is taken\n"]);
});
