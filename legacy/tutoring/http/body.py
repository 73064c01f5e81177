"""Request bodies with their limit (contract G12, G9)."""

from typing import Any

from starlette.requests import ClientDisconnect, Request

from ..errors import ApiError, ValidationFailed
from ..jsonwire import InvalidJson, parse
from .call import Call
from .validation import violation


def _too_large(bytes_max: int) -> ApiError:
    return ApiError(413, "PAYLOAD_TOO_LARGE", f"The body is larger than {bytes_max // 1024**2} MiB.")


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Raises 413 as soon as the limit is passed, announced or not."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit():
        if int(announced) > bytes_max:
            raise _too_large(bytes_max)
        if int(announced) == 0:
            return b""
    elif "transfer-encoding" not in request.headers:
        return b""
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > bytes_max:
                raise _too_large(bytes_max)
            parts.append(part)
    except ClientDisconnect as gone:
        raise ApiError(400, None, "The request ended early.") from gone
    return b"".join(parts)


def not_json(error: InvalidJson) -> ValidationFailed:
    ctx: dict[str, Any] = {"error": str(error)}
    return ValidationFailed([violation("json_invalid", ["body", error.offset], {}, "JSON decode error", ctx)])


def take_json(call: Call) -> None:
    """Sets `call.body`. Routes without a body of their own keep what they got for the fingerprint only."""
    call.is_body_absent = not call.raw
    if call.route.body == "lenient":
        call.body = {}
    if not call.raw:
        return
    try:
        call.body = parse(call.raw)
    except InvalidJson as error:
        if call.route.body == "json":
            raise not_json(error) from error
    if call.route.body == "lenient" and not isinstance(call.body, dict):
        call.body = {}
