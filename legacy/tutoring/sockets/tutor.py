"""The tutor socket (contract tutor-socket.md §§1-3)."""

from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from .. import clock
from ..errors import StoreUnavailable
from ..faults.mutate import frame_text
from ..faults.switch import FaultView
from ..jsonwire import dumps
from ..session.context import load_context
from ..store import messages, sessions
from ..tools.question import question_data
from ..turns.board_request import take_board_state
from ..turns.envelope import envelope
from ..turns.frames import IMMEDIATE_TYPES, Frame, read_frame
from ..turns.live import FrameJob, LiveSession
from .handshake import Handshake, Refused
from .wire import Wire

if TYPE_CHECKING:
    from ..runtime import Runtime

HISTORY_ROWS = 50


class TutorSocket:
    """One connected client; frames in, frames out."""

    def __init__(self, runtime: "Runtime", wire: Wire, is_streaming: bool) -> None:
        self._runtime = runtime
        self._wire = wire
        self.is_streaming = is_streaming

    @property
    def faults(self) -> FaultView:
        return self._wire.faults

    @property
    def request_id(self) -> str:
        return self._wire.request_id

    def send_frame(self, frame: dict[str, Any]) -> None:
        kind = frame.get("type") or frame.get("content_type")
        text = dumps(frame) if self.faults.is_quiet else frame_text(frame, self.faults)
        self._wire.offer(text, str(kind))

    def send_delta(self, turn_id: str, seq: int, delta: str) -> None:
        """Deltas of a slow client are merged: concatenated, the last seq used (contract §5)."""
        waiting = self._wire.last_waiting()
        if waiting is not None and waiting.type == "raw_delta" and waiting.note is not None:
            merged = waiting.note[1] + delta
            if waiting.note[0] == turn_id:
                self._wire.replace_last(_delta_text(turn_id, seq, merged), (turn_id, merged))
                return
        if self.faults.is_quiet:
            self._wire.offer(_delta_text(turn_id, seq, delta), "raw_delta", (turn_id, delta))
        else:
            self.send_frame({"type": "raw_delta", "turn_id": turn_id, "seq": seq, "delta": delta})

    def close(self, code: int, reason: str) -> None:
        self._wire.close(code, reason)


def _delta_text(turn_id: str, seq: int, delta: str) -> str:
    return dumps({"type": "raw_delta", "turn_id": turn_id, "seq": seq, "delta": delta})


async def load_opening(runtime: "Runtime", shaken: Handshake, faults: FaultView) -> list[dict[str, Any]]:
    """O1 and the pending question, if any. Raises Refused when the session is not the caller's."""
    async with runtime.store.read() as tx:
        row = await sessions.find(tx, shaken.session_id)
        if row is None or (row.user_id != shaken.claims.sub and not faults.fires("skip-ownership")):
            raise Refused(403)
        rows = await messages.newest(tx, row.id, HISTORY_ROWS)
        actions = await messages.actions_until(tx, row.id)
    context = load_context(row.context, runtime.context_repaired)
    history = [{"role": each.role, "text": each.text, "turn_no": each.turn_no} for each in rows]
    frames: list[dict[str, Any]] = [
        {"type": "SESSION_INIT_STATE", "chat_history": history, "whiteboard_actions_to_replay": actions}
    ]
    question, ref = context["current_quiz_question"], context["current_question_ref"]
    if question is not None:
        data = question_data(question, ref["question_id"])
        frames.append(envelope("question", data, context["user_model_state"], None))
    return frames


async def serve_tutor(runtime: "Runtime", wire: Wire, scope: Scope, shaken: Handshake) -> None:
    """From the accepted handshake to the close. Raises Refused, StoreUnavailable before the upgrade."""
    opening = await load_opening(runtime, shaken, wire.faults)
    client = TutorSocket(runtime, wire, shaken.is_streaming)
    await wire.accept()
    runtime.handshake_done(wire, 101)
    live = runtime.live.join(shaken.session_id, shaken.claims.sub, client)
    try:
        for frame in opening:
            client.send_frame(frame)
        if not wire.faults.is_quiet and wire.faults.fires("half-open"):
            wire.freeze()
        await _read(runtime, wire, live, client)
    finally:
        runtime.live.leave(live, client)


async def _read(runtime: "Runtime", wire: Wire, live: LiveSession, client: TutorSocket) -> None:
    while True:
        message = await wire.receive()
        if message["type"] == "websocket.disconnect":
            return
        frame = read_frame(message.get("text"))
        runtime.metrics.ws_frames.labels("tutor", "in", frame.metric_type).inc()
        if not wire.faults.is_quiet and runtime.act_on_inbound(wire):
            continue
        if not wire.is_taking:
            continue
        if frame.type in IMMEDIATE_TYPES:
            _answer_at_once(live, client, frame)
        elif not live.offer(frame, client, is_repeatable=not wire.faults.fires("double-effect")):
            await _overflow(runtime, live, client, frame)


def _answer_at_once(live: LiveSession, client: TutorSocket, frame: Frame) -> None:
    if frame.type == "ping":
        client.send_frame({"type": "pong", "timestamp": clock.now_ms()})
    elif frame.type == "heartbeat":
        client.send_frame({"type": "heartbeat_ack", "timestamp": clock.now_ms()})
    elif frame.type == "BOARD_STATE_RESPONSE":
        take_board_state(live, frame.body)


async def _overflow(runtime: "Runtime", live: LiveSession, client: TutorSocket, frame: Frame) -> None:
    try:
        await runtime.engine.overflow(live, FrameJob(frame, client, [client]))
    except StoreUnavailable:
        runtime.log.error("store unavailable", requestId=client.request_id)
