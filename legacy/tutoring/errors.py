"""Refusals a route or turn can raise, and their bodies (contract rest.md §1)."""

from collections.abc import Mapping
from typing import Any, Literal

Family = Literal["E1", "D"]


class ApiError(Exception):
    """A refusal with its status; the surface decides between the bodies E1 and D."""

    def __init__(self, status: int, code: str | None, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def body(self, family: Family) -> dict[str, Any]:
        if family == "D":
            return {"detail": self.code or self.message}
        return {"error_code": self.code, "error_message": self.message, "technical_details": None}


class ValidationFailed(Exception):
    """Body E3: one entry per violation."""

    def __init__(self, violations: list[dict[str, Any]]) -> None:
        super().__init__("validation failed")
        self.violations = violations

    def body(self) -> dict[str, Any]:
        return {"detail": self.violations}


class StoreUnavailable(Exception):
    """The store did not answer; REST 503 STORE_UNAVAILABLE."""


def not_found(message: str = "Not found") -> ApiError:
    return ApiError(404, None, message)


def unauthorized(message: str = "Not authenticated") -> ApiError:
    return ApiError(401, None, message)


def store_unavailable() -> ApiError:
    return ApiError(503, "STORE_UNAVAILABLE", "The store does not answer right now.")


def internal() -> ApiError:
    return ApiError(500, None, "Something went wrong on our side.")
