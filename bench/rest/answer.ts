/** 1 KiB of JSON, as small reads of the platform are. */
export const ANSWER = fixedAnswer(1_024);

/** Asks the upstream how many calls it answered. */
export const COUNT_PATH = "/bench-count";

/** Where an arm tells its build, without which nothing is compared (shadow, terms). */
export const BUILD_PATH = "/metrics";
export const BUILD = 'ai_tutor_build_info{version="1"} 1\n';

/** What the load asks for: a read of the platform whose arm is decided per subject. */
export const READ_PATH = "/api/v1/sessions";

function fixedAnswer(bytes: number): string {
  const session = (text: string): string =>
    JSON.stringify({ sessions: [{ id: "s-1", status: "active", text }], total: 1 });
  return session("x".repeat(bytes - session("").length));
}
