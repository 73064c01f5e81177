"""Deltas of a streamed turn (contract tutor-socket.md §5)."""

import time

from ..metrics import Metrics
from ..model.scanner import ExplainScanner
from .live import Client


class DeltaStream:
    """Pieces of the model's reply in, `raw_delta` and `raw_reset` out, to the requesting socket only."""

    def __init__(self, client: Client, turn_id: str, metrics: Metrics, started: float) -> None:
        self._client = client
        self._turn_id = turn_id
        self._metrics = metrics
        self._started = started
        self._scanner = ExplainScanner()
        self._seq = 0
        self._text: list[str] = []

    def begin_attempt(self) -> None:
        self._scanner = ExplainScanner()

    def feed(self, piece: str) -> None:
        delta = self._scanner.feed(piece)
        if not delta:
            return
        self._send(delta)

    def _send(self, delta: str) -> None:
        if self._seq == 0:
            self._metrics.first_delta.observe(time.perf_counter() - self._started)
        self._text.append(delta)
        if self._client.faults.fires("delta-mismatch"):
            return
        self._client.send_delta(self._turn_id, self._seq, delta)
        self._seq += 1

    def void(self) -> None:
        """The attempt failed: what was sent of it does not count."""
        self.begin_attempt()
        if self._text:
            self._text = []
            self._client.send_frame({"type": "raw_reset", "turn_id": self._turn_id, "seq": self._seq})
            self._seq += 1

    def settle(self, explanation_text: str | None) -> None:
        """Deltas that are not the final text (a key that came twice, a blank text) are voided and sent anew."""
        if not self._text or "".join(self._text) == explanation_text:
            return
        self.void()
        if explanation_text is not None:
            self._send(explanation_text)
