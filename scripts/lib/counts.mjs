// The closing line that every part prints, and how the sum is taken from it.

export const noCounts = () => ({ passed: 0, failed: 0, skipped: 0 });

export const formatCounts = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`;

export const addCounts = (a, b) => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

const PLAIN = /^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;
// pytest's own last line: `=== 1 failed, 12 passed, 2 skipped in 3.20s ===`; with -q without the rules.
const PYTEST = /^=*\s*((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s(?: \([\d:]+\))?\s*=*$/;

function fromPytest(text) {
  const count = (...words) =>
    words.reduce((sum, word) => sum + Number(new RegExp(`(\\d+) ${word}\\b`).exec(text)?.[1] ?? 0), 0);
  return {
    passed: count("passed", "xfailed"),
    failed: count("failed", "error", "errors", "xpassed"),
    skipped: count("skipped"),
  };
}

/** Counts of the last closing line in `output`, or null when there is none: a part that says nothing ran nothing. */
export function readCounts(output) {
  for (const line of output.trimEnd().split("\n").reverse()) {
    const plain = PLAIN.exec(line.trim());
    if (plain) return { passed: Number(plain[1]), failed: Number(plain[2]), skipped: Number(plain[3] ?? 0) };
    const pytest = PYTEST.exec(line.trim());
    if (pytest) return fromPytest(pytest[1]);
  }
  return null;
}

/** Lines of the form `not run: <what>: <why>` that a part printed. */
export function readNotRun(output) {
  return output
    .split("\n")
    .flatMap((line) => (line.startsWith("not run: ") ? [line.slice("not run: ".length).trim()] : []));
}
