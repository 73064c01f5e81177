// The learner's model (contract models.md §2) and the difficulty that follows from it.
import { firstCodePoints, isBlank, renderTs } from "../../contract/index.ts";

const TOPIC_CODE_POINTS_MAX = 200;

export interface ConceptMastery {
  alpha: number;
  beta: number;
  last_interaction_outcome: string | null;
  attempts: number;
  confusion_points: string[];
  last_accessed: string | null;
}

export interface UserModelState {
  concepts: Record<string, ConceptMastery>;
  overall_progress: number;
  current_topic: string | null;
  current_topic_segment_index: number;
  learning_pace_factor: number;
  preferred_interaction_style: string | null;
  session_summary_notes: unknown[];
  current_section_objectives: unknown[];
  mastered_objectives_current_section: unknown[];
  pending_interaction_type: string | null;
  pending_interaction_details: Record<string, unknown> | null;
}

export interface ConceptEvent {
  readonly concept: string;
  readonly outcome: string;
  readonly deltaMastery: number;
}

const mastery = ({ alpha, beta }: Pick<ConceptMastery, "alpha" | "beta">): number => alpha / (alpha + beta);

const newConcept = (): ConceptMastery => ({
  alpha: 1,
  beta: 1,
  last_interaction_outcome: null,
  attempts: 0,
  confusion_points: [],
  last_accessed: null,
});

export const OUTCOMES = ["correct", "incorrect", "explained", "unsure", "clarification_needed"] as const;
export type Outcome = (typeof OUTCOMES)[number];

function setOwn<T>(record: Record<string, T>, key: string, value: T): void {
  // A topic may be called `__proto__`.
  Object.defineProperty(record, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Applies one outcome and says what changed. */
export function updateUserModel(
  model: UserModelState,
  change: { topic: string; outcome: Outcome; details?: string | undefined; now: number },
): ConceptEvent {
  const topic = firstCodePoints(change.topic, TOPIC_CODE_POINTS_MAX);
  const before = Object.hasOwn(model.concepts, topic) ? model.concepts[topic] : undefined;
  const concept = before ?? newConcept();
  const masteryBefore = mastery(concept);
  concept.attempts += 1;
  if (change.outcome === "correct") concept.alpha += 1;
  if (change.outcome === "incorrect") {
    concept.beta += 1;
    const { details } = change;
    const isNew = details !== undefined && !isBlank(details) && !concept.confusion_points.includes(details);
    if (isNew) concept.confusion_points.push(details);
  }
  concept.last_interaction_outcome = change.outcome;
  concept.last_accessed = renderTs(change.now);
  setOwn(model.concepts, topic, concept);
  model.current_topic = topic;
  return { concept: topic, outcome: change.outcome, deltaMastery: mastery(concept) - masteryBefore };
}
