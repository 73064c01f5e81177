"""From a queued frame to its one envelope (contract tutor-socket.md §§2-3, 6-9)."""

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import StoreUnavailable
from ..faults.current import handle_under
from ..faults.process import exit_crashed
from ..jsonwire import canonical
from ..model.prompts import HISTORY_ROWS
from ..session.user_model import fresh_user_model
from ..text import is_blank
from ..tools.feedback import evaluate
from ..tools.turn import Turn, Visible
from . import records
from .answers import chosen_index
from .board_request import request_board_state
from .envelope import Envelope, TurnError, envelope, error_envelope
from .frames import Frame
from .live import FrameJob, LiveSession
from .records import Loaded
from .stream import DeltaStream

if TYPE_CHECKING:
    from ..runtime import Runtime

TURN_S = 120.0
TEXT_MAX = 8000
_ACTIONS = frozenset({"next", "previous", "summary", "start"})


@dataclass
class _Input:
    """One job with everything its handling needs."""

    live: LiveSession
    job: FrameJob
    loaded: Loaded
    message_id: str | None
    started: float
    is_lost: bool

    @property
    def frame(self) -> Frame:
        return self.job.frame

    @property
    def next_turn_no(self) -> int:
        return int(self.loaded.context["latest_turn_no"]) + 1

    def turn_id(self, turn_no: int) -> str:
        return f"{self.live.session_id}:{turn_no}"


class TurnEngine:
    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime

    async def handle(self, live: LiveSession, job: FrameJob) -> None:
        """Never raises: whatever goes wrong is an envelope, and the session's worker goes on."""
        started = time.perf_counter()
        outcome, loaded = "INTERNAL_ERROR", None
        handle_under(job.client.faults)
        try:
            message_id = None if job.client.faults.fires("double-effect") else job.frame.message_id
            report = self._runtime.context_repaired
            loaded = await records.load(self._runtime.store, live.session_id, message_id, report)
            if loaded is None:
                for listener in job.listeners:
                    listener.close(1000, "Session deleted")
                return
            is_lost = job.client.faults.fires("lost-write") is not None
            outcome = await self._answer(_Input(live, job, loaded, message_id, started, is_lost))
        except Exception as error:
            self._failed(job, error)
            model = loaded.context["user_model_state"] if loaded else fresh_user_model()
            self._send(job, self._with_turn_id(live, job, loaded, error_envelope("INTERNAL_ERROR", model)))
        finally:
            self._account(live, job, outcome, time.perf_counter() - started)

    def _failed(self, job: FrameJob, error: Exception) -> None:
        code = "STORE_UNAVAILABLE" if isinstance(error, StoreUnavailable) else "INTERNAL"
        self._runtime.metrics.errors.labels("tutor", code).inc()
        self._runtime.log.error("turn failed", requestId=job.client.request_id, reason=type(error).__name__)
        self._runtime.report(error)

    async def _answer(self, given: _Input) -> str:
        """Sends the envelope; returns the outcome for the metrics."""
        if given.loaded.remembered is not None:
            self._runtime.metrics.replays.labels("tutor").inc()
            for remembered in given.loaded.remembered:
                self._send(given.job, remembered)
            return str(given.loaded.remembered[-1]["content_type"])
        # What an error leaves behind is what was stored before the effect began.
        before = given.loaded.context["user_model_state"]
        try:
            return await self._effect(given)
        except TurnError as error:
            self._runtime.metrics.errors.labels("tutor", error.code).inc()
            sent = self._with_turn_id(given.live, given.job, given.loaded, error_envelope(error.code, before))
            self._send(given.job, sent)
            return error.code

    async def _effect(self, given: _Input) -> str:
        frame, store = given.frame, self._runtime.store
        refusal = _refusal(frame)
        if refusal is not None:
            await records.save_mode(store, given.loaded, frame.mode)
            raise TurnError(refusal)
        text = (frame.data or {}).get("text") if frame.type == "user_message" else None
        user_turn = await records.begin_turn(store, given.loaded, frame, given.message_id, text, given.is_lost)
        if frame.type == "end_session":
            return await self._end_session(given)
        try:
            async with asyncio.timeout(TURN_S):
                return await self._turn(given, user_turn)
        except TimeoutError as late:
            raise TurnError("TURN_TIMEOUT") from late

    async def _turn(self, given: _Input, user_turn: int | None) -> str:
        live, job, runtime = given.live, given.job, self._runtime
        context = records.private_copy(given.loaded.context)
        turn = Turn(
            live.session_id,
            given.next_turn_no,
            context,
            board_state=lambda: request_board_state(live, job.client, turn),
            board_content=lambda: runtime.board_content(live.session_id),
        )
        stream = None
        data = given.frame.data or {}
        if given.frame.type == "answer" and context["current_quiz_question"] is not None:
            result = evaluate(turn, chosen_index(data, context))
        else:
            if given.frame.type in _ACTIONS or given.frame.type == "canvas_click":
                context["last_event"] = {"type": given.frame.type}
            rows = await records.history(runtime.store, live.session_id, user_turn, HISTORY_ROWS)
            if job.client.is_streaming:
                stream = DeltaStream(job.client, given.turn_id(turn.turn_no), runtime.metrics, given.started)
            result = await runtime.executor.run(
                turn, rows, _trigger(given.frame), job.client.request_id, stream, job.client.faults
            )
        if stream is not None:
            stream.settle(result.data.get("explanation_text"))
        await self._finish(given, turn, result)
        return result.content_type

    async def _finish(self, given: _Input, turn: Turn, result: Visible) -> None:
        model = turn.context["user_model_state"]
        stored = envelope(result.content_type, result.data, model, result.actions)
        sent = {**stored, "turn_id": given.turn_id(turn.turn_no)} if given.job.client.is_streaming else stored
        user_id, store = given.loaded.row.user_id, self._runtime.store
        await records.finish_turn(store, turn, user_id, result, stored, given.message_id, sent, given.is_lost)
        self._runtime.boards.server_added(turn.session_id, stored["whiteboard_actions"])
        if given.job.client.faults.fires("crash-mid-turn"):
            exit_crashed()
        self._send(given.job, sent)

    async def _end_session(self, given: _Input) -> str:
        live, job, context = given.live, given.job, given.loaded.context

        def confirmation(status: str | None) -> Envelope:
            text = f"Session analysis status: {status}." if status else "Session analysis will start now."
            data = {"message_text": text, "message_type": "summary"}
            return self._with_turn_id(
                live, job, given.loaded, envelope("message", data, context["user_model_state"], None)
            )

        sent = await records.end_session(self._runtime.store, given.loaded, given.message_id, confirmation)
        self._send(job, sent)
        for client in job.listeners:
            live.drop_waiting(client)
            client.close(1000, "User ended session")
        return "message"

    async def overflow(self, live: LiveSession, job: FrameJob) -> None:
        """Answers a frame that found the queue full, at once."""
        loaded = await records.load(self._runtime.store, live.session_id, None, self._runtime.context_repaired)
        model = loaded.context["user_model_state"] if loaded else fresh_user_model()
        self._runtime.metrics.errors.labels("tutor", "QUEUE_OVERFLOW").inc()
        self._send(job, error_envelope("QUEUE_OVERFLOW", model))

    def _with_turn_id(self, live: LiveSession, job: FrameJob, loaded: Loaded | None, sent: Envelope) -> Envelope:
        is_turn = job.frame.is_turn and job.frame.is_readable
        if not job.client.is_streaming or not is_turn or loaded is None:
            return sent
        return {**sent, "turn_id": f"{live.session_id}:{loaded.context['latest_turn_no'] + 1}"}

    @staticmethod
    def _send(job: FrameJob, sent: dict[str, Any]) -> None:
        for client in job.listeners:
            client.send_frame(sent)

    def _account(self, live: LiveSession, job: FrameJob, outcome: str, seconds: float) -> None:
        trigger = job.frame.metric_type
        self._runtime.metrics.turns.labels(trigger, outcome).inc()
        self._runtime.metrics.turn_seconds.labels(trigger).observe(seconds)
        self._runtime.log.info(
            "turn",
            surface="tutor",
            requestId=job.client.request_id,
            route="tutor",
            sessionId=live.session_id,
            trigger=trigger,
            outcome=outcome,
            durationMs=round(seconds * 1000, 3),
        )


def _refusal(frame: Frame) -> str | None:
    """Why a frame has no effect beyond its mode."""
    if not frame.is_readable:
        return "INVALID_PAYLOAD"
    if not frame.is_turn:
        return "UNKNOWN_MESSAGE_TYPE"
    data = frame.data or {}
    if frame.type == "user_message":
        text = str(data["text"])
        if is_blank(text):
            return "EMPTY_MESSAGE"
        return "MESSAGE_TOO_LONG" if len(text) > TEXT_MAX else None
    if frame.type == "canvas_click":
        clicked = data.get("object_id")
        return None if isinstance(clicked, str) and not is_blank(clicked) else "CANVAS_CLICK_NO_ID"
    return None


def _trigger(frame: Frame) -> str:
    data = frame.data or {}
    if frame.type == "user_message":
        return str(data["text"])
    if frame.type == "answer":
        return f"[answer] {canonical(data.get('answer_index'))}"
    if frame.type == "canvas_click":
        return f"[click] {data['object_id']}"
    return f"[action] {frame.type}"
