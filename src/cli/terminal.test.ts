import assert from "node:assert/strict";
import { test } from "node:test";
import { CliError } from "./cliError.ts";
import { confirm } from "./confirm.ts";
import { createOutput } from "./output.ts";
import { Sink } from "./testing/captured.ts";
import { PassThrough } from "node:stream";

const outputOn = (isTTY: boolean, env: NodeJS.ProcessEnv = {}) => {
  const [stdout, stderr] = [new Sink(isTTY), new Sink(isTTY)];
  return { out: createOutput({ stdout, stderr, env }, { isQuiet: false }), stdout, stderr };
};

test("colour shows on a terminal only, obeys NO_COLOR, and the shape stands without it", () => {
  assert.match(outputOn(true).out.armMark("candidate"), /\u001b\[38;2;213;94;0m▲/);
  for (const { out } of [outputOn(false), outputOn(true, { NO_COLOR: "1" }), outputOn(true, { TERM: "dumb" })]) {
    assert.deepEqual([out.armMark("control"), out.armMark("candidate"), out.alarm("KILL")], ["●", "▲", "KILL"]);
  }
  assert.match(outputOn(true, { NO_COLOR: "" }).out.alarm("KILL"), /\u001b\[/);
});

test("--quiet silences the talk, neither the data nor what went wrong", () => {
  const [stdout, stderr] = [new Sink(), new Sink()];
  const out = createOutput({ stdout, stderr, env: {} }, { isQuiet: true });
  out.talk("talk");
  out.data("data");
  out.complain("wrong");
  assert.deepEqual([stdout.text, stderr.text], ["data\n", "wrong\n"]);
});

const terminal = (typed: string, isTTY = true) => {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  stdin.write(typed);
  return { stdin, stderr: new Sink(isTTY) };
};

test("a confirmation is a yes and nothing else", async () => {
  for (const yes of ["y\n", "Yes\n"]) assert.equal(await confirm("Sure?", false, terminal(yes)), true);
  for (const no of ["\n", "n\n", "yep\n"]) assert.equal(await confirm("Sure?", false, terminal(no)), false);
});

test("where no terminal is, a change needs --yes", async () => {
  await assert.rejects(
    confirm("Sure?", false, terminal("y\n", false)),
    (error) => error instanceof CliError && error.exitCode === 2,
  );
  assert.equal(await confirm("Sure?", true, terminal("", false)), true);
});
