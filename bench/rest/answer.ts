/** 1 KiB of JSON, as small reads of the platform are: sessions as the contract has them (rest.md R19), or each would be a difference. */
export const ANSWER = listOf(4);

/** Asks the upstream how many calls it answered. */
export const COUNT_PATH = "/bench-count";

/** Where an arm tells its build, without which nothing is compared (shadow, terms). */
export const BUILD_PATH = "/metrics";
export const BUILD = 'ai_tutor_build_info{version="1"} 1\n';

/** What the load asks for: a read of the platform whose arm is decided per subject. */
export const READ_PATH = "/api/v1/sessions";

function listOf(count: number): string {
  const sessions = Array.from({ length: count }, (_, at) => ({
    id: `00000000-0000-4000-8000-00000000000${count - at}`,
    folder_id: null,
    interaction_mode: "chat_and_whiteboard",
    latest_turn_no: at,
    analysis_status: null,
    created_at: `2026-11-20T10:00:0${count - at}.000Z`,
    updated_at: `2026-11-20T10:30:0${count - at}.000Z`,
    ended_at: null,
  }));
  return JSON.stringify({ sessions, next_before: null });
}
