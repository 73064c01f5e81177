// Loaded into the process of each test file: node:test limits every test, but no file. One whose tests have all ended
// and that something keeps alive would be waited for without end, and without a word of what that is.
import { isMainThread } from "node:worker_threads";

const { TEST_FILE_MS, TEST_RUNNER_PID } = process.env;

// Threads and processes that a test starts inherit flags and environment; the deadline is the file's own.
if (isMainThread && process.ppid === Number(TEST_RUNNER_PID)) {
  const limitMs = Number(TEST_FILE_MS);
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(", ");
    process.stderr.write(
      `${process.argv[1]} has not ended after ${limitMs / 1000} s; still open: ${open || "nothing"}\n`,
    );
    process.exit(1);
  }, limitMs).unref();
}
