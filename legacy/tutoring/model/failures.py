"""How a model call can fail, and what each surface calls it (contract services.md §1)."""

from typing import Literal

Reason = Literal["not_json", "bad_shape", "unknown_name", "bad_args"]


class ModelFailure(Exception):
    """A call that gave no reply after its retries."""

    socket_code = "LLM_UNAVAILABLE"


class ModelUnavailable(ModelFailure):
    socket_code = "LLM_UNAVAILABLE"


class ModelRateLimited(ModelFailure):
    socket_code = "LLM_RATE_LIMITED"


class ModelTimeout(ModelFailure):
    socket_code = "LLM_TIMEOUT"


class UnusableReply(Exception):
    """A reply that cannot be used as it is; the next attempt names the reason."""

    def __init__(self, reason: Reason, socket_code: str = "LLM_FORMAT_ERROR", detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.socket_code = socket_code
