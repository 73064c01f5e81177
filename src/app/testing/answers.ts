// Answers as the arms give them, for tests of the comparison (contract rest.md, tutor-socket.md).
import { defaultUserModelState } from "../../contract/index.ts";

export const uuid = (n: number): string => `8d3c2c5e-11aa-4b57-8f0a-${String(n).padStart(12, "0")}`;
export const at = (second: number): string => `2026-01-02T03:04:${String(second).padStart(2, "0")}.678Z`;

export const folder = (n: number): object => ({ id: uuid(n), name: `Biology ${n}`, created_at: at(60 - n) });

export const session = (n: number): object => ({
  id: uuid(100 + n),
  folder_id: uuid(n),
  interaction_mode: "chat_and_whiteboard",
  latest_turn_no: n,
  analysis_status: null,
  created_at: at(60 - n),
  updated_at: at(60 - n),
  ended_at: null,
});

export const userModel = (): object => ({
  ...defaultUserModelState(),
  concepts: {
    osmosis: {
      alpha: 2,
      beta: 1,
      last_interaction_outcome: "correct",
      attempts: 1,
      confusion_points: ["water", "salt"],
      last_accessed: at(7),
    },
  },
  learning_pace_factor: 1.5,
});

const explanation = (text: string): object => ({
  response_type: "explanation",
  explanation_text: text,
  explanation_title: null,
  related_objectives: null,
  lesson_content: null,
  whiteboard_actions: null,
});

const envelopeOf = (content_type: string, data: object, whiteboard_actions: unknown = null): object => ({
  schema_version: 1,
  content_type,
  data,
  user_model_state: userModel(),
  whiteboard_actions,
});

const draw = (...ids: string[]): object => ({
  type: "ADD_OBJECTS",
  objects: ids.map((id, n) => ({
    id,
    kind: "rect",
    x: n + 0.5,
    y: n,
    metadata: { source: "assistant", groupId: "g" },
  })),
});

export const ENVELOPE = envelopeOf("explanation", explanation("Water moves through a membrane."), [
  draw("draw-1", "draw-2"),
  { type: "HIGHLIGHT_OBJECT", targetObjectId: "draw-1", color: "#FF5722", pulse: true },
]);

export const errorEnvelope = (error_code: string, technical_details: unknown = null): object =>
  envelopeOf("error", { error_code, error_message: "It did not work.", technical_details });

const said = (turn_no: number, text: string): object => ({
  turn_no,
  role: "user",
  text,
  whiteboard_snapshot_index: null,
});

/** By route id, of status 200. */
export const ANSWERS = {
  R3: folder(1),
  R4: { folders: [folder(1), folder(2), folder(3)] },
  R6: [
    said(1, "What is osmosis?"),
    { ...said(2, "Water moves."), role: "assistant", payload_json: ENVELOPE },
    said(3, "Thanks"),
  ],
  R8: {
    counts: { by_kind: { rect: 2, text: 1 }, by_owner: { user: 1, assistant: 2 } },
    learner_question_tags: [
      { id: "q1", x: 4, y: 5, meta: {} },
      { id: "q2", x: null, y: 7, meta: {} },
    ],
    concept_clusters: [
      { concept: "cells", bbox: [0, 1, 10, 5], count: 1 },
      { concept: "osmosis", bbox: [2, 3, 4, 5.5], count: 2 },
    ],
    ephemeralSummary: {
      activeHighlights: 2,
      activeQuestionTags: [
        { id: "t1", linkedObjectId: null },
        { id: "t2", linkedObjectId: "o1" },
      ],
      recentPointer: { x: 1, y: 2, meta: { expiresAt: 1_767_323_045_678 } },
    },
  },
  R16: { ...folder(1), document_count: 2, session_count: 1 },
  R19: { sessions: [session(1), session(2), session(3)], next_before: null },
  R22: {
    object_count: 3,
    text_chars: 12,
    coverage: 0.1234,
    overlaps: 1,
    concepts: [
      { concept: "osmosis", count: 2 },
      { concept: "cells", count: 1 },
    ],
    learner_share: 0.3333,
    snapshot_count: 4,
  },
  R25: {
    results: [1, 2, 3].map((n) => ({
      document_id: uuid(n),
      file_name: n === 3 ? "scan.PDF" : "notes.md",
      chunk_index: n,
      score: 0.987_654 - n / 10,
      text: Array.from({ length: 100 }, (_, word) => `word${n}x${word}`).join(" "),
    })),
  },
} as const;
