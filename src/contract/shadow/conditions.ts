// Conditions of the application's rules, by the names that these give (differences.md §§4, 6). Pure.
import type { AcceptCondition } from "../../shadow/ports.ts";
import { canonicalJson } from "../canonicalJson.ts";
import { isObject, type JsonObject } from "../jsonObject.ts";
import { bodiesOf, type Facts, holdersOf, numberOf } from "./facts.ts";
import { isInAnalysisOfPdf, isOfPdf } from "./pdf.ts";

/**
 * the board forgets these by its clock. The answer does not say when, so that only this is accepted: whoever was asked
 * later has less of the same.
 */
function hasExpired({ control, candidate, shadow }: Facts): boolean {
  const [earlier, later] = shadow === "candidate" ? [control, candidate] : [candidate, control];
  const [more, less] = [numberOf(earlier), numberOf(later)];
  if (more !== null && less !== null) return less >= 0 && less < more;
  if (!Array.isArray(earlier) || !Array.isArray(later)) return later === null && isObject(earlier);
  const known = new Set(earlier.map(canonicalJson));
  return later.length < earlier.length && later.every((item) => known.has(canonicalJson(item)));
}

/** A6: a detail that only one arm tells. */
const isNullOrText = ({ control, candidate }: Facts): boolean =>
  (control === null && typeof candidate === "string") || (candidate === null && typeof control === "string");

const JOB_ENDS = new Set<unknown>(["success", "failed"]);
const JOB_STATUSES = new Set<unknown>(["queued", "running", ...JOB_ENDS]);
const JOB_ATTEMPTS_MAX = 3;

const isWithin = (value: unknown, most: number): boolean => {
  const number = numberOf(value);
  return number !== null && number >= 0 && number <= most;
};

/** As it may be at some moment of its life (rest.md §5, services.md §9). */
const isJob = ({ status, progress, attempts }: JsonObject): boolean =>
  JOB_STATUSES.has(status) && isWithin(progress, 1) && isWithin(attempts, JOB_ATTEMPTS_MAX);

/** a job runs for itself, on each arm, until it has ended on both. */
function isJobRunning(facts: Facts): boolean {
  const jobs = holdersOf(facts);
  if (jobs === null || !isJob(jobs.control) || !isJob(jobs.candidate)) return false;
  return !JOB_ENDS.has(jobs.control["status"]) || !JOB_ENDS.has(jobs.candidate["status"]);
}

/** S-9: one turn of so many. */
const TIMING_TURNS_MIN = 1_000;

const isRare = ({ turns }: Facts): boolean =>
  turns !== undefined && (turns.accepted + 1) * TIMING_TURNS_MIN <= turns.compared;

const TIMING_CODES = new Set<unknown>(["QUEUE_OVERFLOW", "TURN_TIMEOUT", "BOARD_STATE_TIMEOUT"]);

/** Of an envelope; null: it is no error. */
function errorCodeOf(envelope: unknown): unknown {
  if (!isObject(envelope) || envelope["content_type"] !== "error") return null;
  return isObject(envelope["data"]) ? (envelope["data"]["error_code"] ?? "none") : "none";
}

/** Time has ended a turn on one arm; an error of the other one is a difference of its own. */
function isTimedOut(facts: Facts): boolean {
  const whole = facts.above?.control.length === 0 ? facts : bodiesOf(facts);
  if (whole === null) return false;
  const [one, other] = [errorCodeOf(whole.control), errorCodeOf(whole.candidate)];
  const isOnOneSide = (one === null && TIMING_CODES.has(other)) || (other === null && TIMING_CODES.has(one));
  return isOnOneSide && isRare(facts);
}

/** §7, S-10. */
const MODEL_CODES = new Set<unknown>(["LLM_RATE_LIMITED", "LLM_UNAVAILABLE", "LLM_TIMEOUT"]);
/** What the tools of a turn may produce (services.md §3); answers to a question and errors have other causes. */
const TOOL_TYPES = new Set<unknown>(["explanation", "question", "message"]);

const envelopesOf = (facts: Facts) => (facts.above?.control.length === 0 ? null : bodiesOf(facts));

/** A live model has failed on one side. */
function isModelFailure(facts: Facts): boolean {
  const whole = envelopesOf(facts);
  if (whole === null) return false;
  const [one, other] = [errorCodeOf(whole.control), errorCodeOf(whole.candidate)];
  return (one === null && MODEL_CODES.has(other)) || (other === null && MODEL_CODES.has(one));
}

/** A live model has taken another tool. */
function isOtherTool(facts: Facts): boolean {
  const whole = envelopesOf(facts);
  const [one, other] = [whole?.control["content_type"], whole?.candidate["content_type"]];
  return one !== other && TOOL_TYPES.has(one) && TOOL_TYPES.has(other);
}

const ANALYSIS_ENDS = new Set<unknown>(["completed", "failed", "timeout"]);

/** R-9 with live models. */
const isFailedAnalysis = ({ control, candidate }: Facts): boolean =>
  ANALYSIS_ENDS.has(control) &&
  ANALYSIS_ENDS.has(candidate) &&
  (control === "completed") !== (candidate === "completed");

const SLOW_CONSUMER = 1013;

/** A slow client is given up by one arm; the other one's socket is open, or ended with the client's. */
function isSlowClose(facts: Facts): boolean {
  const isSlow = (end: unknown): boolean => isObject(end) && end["code"] === SLOW_CONSUMER;
  const isUntouched = (end: unknown): boolean => end === null || (isObject(end) && end["by"] === "client");
  const { control, candidate } = facts;
  const isOnOneSide = (isSlow(control) && isUntouched(candidate)) || (isSlow(candidate) && isUntouched(control));
  return isOnOneSide && isRare(facts);
}

export const SHADOW_CONDITIONS: Readonly<Record<string, AcceptCondition>> = {
  "expires-now": hasExpired,
  "null-or-text": isNullOrText,
  "job-running": isJobRunning,
  pdf: isOfPdf,
  "pdf-analysis": isInAnalysisOfPdf,
  "timed-out": isTimedOut,
  "slow-close": isSlowClose,
  "model-failure": isModelFailure,
  "other-tool": isOtherTool,
  "failed-analysis": isFailedAnalysis,
};
