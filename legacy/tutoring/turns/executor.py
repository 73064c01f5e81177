"""One executor turn: ask the model, run tools, until one of them answers (contract services.md §§1-3)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..faults.switch import FaultView
from ..logs import Log
from ..metrics import Metrics
from ..model import prompts
from ..model.client import ChatCall, ModelClient
from ..model.failures import ModelFailure, UnusableReply
from ..model.reply import read_object
from ..store.messages import ChatRow
from ..tools.args import Args
from ..tools.registry import SILENT_TOOLS, TOOLS
from ..tools.turn import Prepared, Silent, Turn, Visible
from .envelope import TurnError
from .stream import DeltaStream

SILENT_MAX = 3


@dataclass(frozen=True)
class _Step:
    reply: str
    name: str
    run: Prepared


class Executor:
    def __init__(self, model: ModelClient, metrics: Metrics, log: Log, report: Callable[[BaseException], None]) -> None:
        self._model = model
        self._metrics = metrics
        self._log = log
        self._report = report

    async def run(
        self,
        turn: Turn,
        history: list[ChatRow],
        trigger: str,
        request_id: str,
        stream: DeltaStream | None,
        faults: FaultView,
    ) -> Visible:
        """Raises TurnError."""
        is_changed = faults.fires("prompt-change") is not None
        messages = prompts.executor_messages(turn.context, history, trigger, is_changed)
        if faults.fires("extra-model-call"):
            await self._ask(messages, 0, request_id, None, faults)
        for turn.step in range(SILENT_MAX + 1):
            step = await self._step(turn, messages, request_id, stream, faults)
            if turn.step == SILENT_MAX and step.name in SILENT_TOOLS:
                break
            result = await self._dispatch(step)
            if isinstance(result, Visible):
                return result
            messages = [*messages, *prompts.tool_messages(step.reply, step.name, result.result)]
            if stream is not None:
                stream.settle(None)
        raise TurnError("TOOL_LOOP_LIMIT")

    async def _step(
        self,
        turn: Turn,
        messages: list[prompts.Message],
        request_id: str,
        stream: DeltaStream | None,
        faults: FaultView,
    ) -> _Step:
        """One usable reply; each attempt after an unusable one has its own temperature and the retry note."""
        failed: UnusableReply | None = None
        for attempt in range(len(prompts.TEMPERATURES)):
            note = [prompts.retry_note(failed.reason)] if failed else []
            reply = await self._ask([*messages, *note], attempt, request_id, stream, faults)
            try:
                return self._read(reply, turn, faults)
            except UnusableReply as unusable:
                failed = unusable
                if stream is not None:
                    stream.void()
        assert failed is not None
        self._log.warn("unusable reply", reason=failed.reason, code=failed.socket_code, requestId=request_id)
        raise TurnError(failed.socket_code)

    async def _ask(
        self,
        messages: list[prompts.Message],
        attempt: int,
        request_id: str,
        stream: DeltaStream | None,
        faults: FaultView,
    ) -> str:
        if fired := faults.fires("slow-model"):
            await asyncio.sleep(fired.seconds)
        temperature = prompts.TEMPERATURES[attempt]
        call = ChatCall(prompts.KIND, "interaction", messages, temperature, True, request_id)
        try:
            if stream is None:
                return await self._model.chat(call)
            stream.begin_attempt()
            return await self._model.chat(call, stream.feed, stream.void)
        except ModelFailure as failure:
            raise TurnError(failure.socket_code) from failure

    def _read(self, reply: str, turn: Turn, faults: FaultView) -> _Step:
        """Raises UnusableReply."""
        value = read_object(reply)
        name, raw = value.get("name"), value.get("args")
        if not isinstance(name, str) or not isinstance(raw, dict):
            raise UnusableReply("bad_shape")
        tool = TOOLS.get(name)
        if tool is None:
            raise UnusableReply("unknown_name", "UNKNOWN_TOOL")
        prepared = tool(Args(raw), turn)
        if name == "explain" and faults.fires("wrong-tool"):
            prepared = _as_message(prepared)
        return _Step(reply, name, prepared)

    async def _dispatch(self, step: _Step) -> Visible | Silent:
        started = time.perf_counter()
        try:
            return await step.run()
        except TurnError:
            raise
        except Exception as error:
            self._report(error)
            raise TurnError("DISPATCH_ERROR") from error
        finally:
            self._metrics.tool_seconds.labels(step.name).observe(time.perf_counter() - started)


def _as_message(prepared: Prepared) -> Prepared:
    """Fault `wrong-tool`."""

    async def run() -> Visible:
        result = await prepared()
        assert isinstance(result, Visible)
        data: dict[str, Any] = {"message_text": result.data["explanation_text"], "message_type": "clarification"}
        return Visible("message", data, None, result.stored_text)

    return run
