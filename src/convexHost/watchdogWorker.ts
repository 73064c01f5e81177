// The thread of the watchdog (watchdogThread.ts). It must not need the main thread for anything: that one is stuck.
import { writeFileSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { CELLS, type WatchdogNote, type WatchdogWork } from "./watchdogWords.ts";

const { cells, call, limitMs, stepMs, noteFile } = workerData as WatchdogWork;

function isStopped(): boolean {
  // Sleeps for one step; wakes early only when told to stop.
  Atomics.wait(cells, CELLS.stopped, 0, stepMs);
  return Atomics.load(cells, CELLS.stopped) !== 0;
}

// Steps are counted, not time: while the whole process or the machine stands still, this thread does not step either.
let silentSteps = 0;
let lastBeat = Atomics.load(cells, CELLS.beat);
while (!isStopped()) {
  const beat = Atomics.load(cells, CELLS.beat);
  const isAlive = beat !== lastBeat || Atomics.load(cells, CELLS.pauses) > 0;
  lastBeat = beat;
  silentSteps = isAlive ? 0 : silentSteps + 1;
  if (silentSteps * stepMs >= limitMs) endProcess();
}

function endProcess(): void {
  const message = `a function did not yield for ${limitMs} ms; the process was ended, and its open transaction rolled back`;
  try {
    // Not to stderr: nobody may be reading it, and then the write would keep the process alive.
    writeFileSync(noteFile, JSON.stringify({ message, call: runningCall() } satisfies WatchdogNote), { mode: 0o600 });
  } catch {
    // The end matters more than the note.
  }
  process.kill(process.pid, "SIGKILL");
}

function runningCall(): string | null {
  const length = Atomics.load(cells, CELLS.callBytes);
  return length === 0 ? null : Buffer.from(call.slice(0, length)).toString();
}
