"""What holds for every HTTP exchange: ids, contract headers, shadow guard, CORS, log line, metrics."""

import re
import time
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import ARM, CONTRACT_VERSION
from ..errors import ApiError
from ..ids import new_id
from ..jsonwire import dump_bytes

if TYPE_CHECKING:
    from ..runtime import Runtime

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_EXEMPT = frozenset({"/livez", "/readyz", "/metrics", "/api/health"})
_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_HEADERS = "Authorization, Content-Type, Idempotency-Key, X-Refresh-Token, X-Request-Id"
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def request_id_of(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_id()


def is_refused_by_shadow_guard(is_shadow_instance: bool, headers: Headers, is_read: bool) -> bool:
    """Contract G15: mirrored writes reach nothing but a shadow instance, and a shadow instance takes nothing else."""
    is_mirrored = headers.get("x-shadow") == "1"
    return is_mirrored != is_shadow_instance and not (is_mirrored and is_read)


class Edge:
    def __init__(self, api: ASGIApp, runtime: "Runtime") -> None:
        self._api = api
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = Headers(scope=scope)
        request_id = request_id_of(headers)
        scope["tutoring_request_id"] = request_id
        scope["tutoring_transport"] = getattr(getattr(send, "__self__", None), "transport", None)
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(MutableHeaders(scope=message), headers, scope["path"], request_id)
            await send(message)

        try:
            early = self._early(scope, headers)
            await (early or self._api)(scope, receive, sending)
        finally:
            self._account(scope, request_id, status, time.perf_counter() - started)

    def _early(self, scope: Scope, headers: Headers) -> Response | None:
        """The shadow guard, then CORS pre-flights."""
        path, method = scope["path"], scope["method"]
        is_guarded = path not in _EXEMPT and not path.startswith("/internal/")
        is_shadow = self._runtime.settings.is_shadow
        if is_guarded and is_refused_by_shadow_guard(is_shadow, headers, method == "GET"):
            refusal = ApiError(421, "SHADOW_REFUSED", "This instance does not take this request.")
            return Response(
                dump_bytes(refusal.body("E1")), 421, {"Cache-Control": "no-store"}, media_type="application/json"
            )
        is_preflight = method == "OPTIONS" and "access-control-request-method" in headers and "origin" in headers
        return self._preflight(headers) if is_preflight and not path.startswith("/internal/") else None

    def _preflight(self, headers: Headers) -> Response:
        if headers["origin"] not in self._runtime.settings.cors_origins:
            return Response("Disallowed CORS origin", 400, media_type="text/plain")
        allowed = {
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": _HEADERS,
            "Access-Control-Max-Age": "600",
        }
        return Response("OK", 200, allowed, media_type="text/plain")

    def _add_headers(self, reply: MutableHeaders, request: Headers, path: str, request_id: str) -> None:
        reply["X-Request-Id"] = request_id
        reply["X-Contract-Version"] = CONTRACT_VERSION
        reply["X-Backend-Arm"] = ARM
        origin = request.get("origin")
        if origin in self._runtime.settings.cors_origins and not path.startswith("/internal/"):
            reply["Access-Control-Allow-Origin"] = origin or ""
            reply["Access-Control-Allow-Credentials"] = "true"
            reply["Vary"] = "Origin"

    def _account(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route: str = scope.get("tutoring_route", "unknown")
        method = scope["method"] if scope["method"] in _KNOWN_METHODS else "other"
        metrics = self._runtime.metrics
        metrics.http_requests.labels(method, route, str(status)).inc()
        metrics.http_seconds.labels(method, route).observe(seconds)
        fields: dict[str, Any] = {"requestId": request_id, "method": method, "route": route, "status": status}
        self._runtime.log.info("request", **fields, durationMs=round(seconds * 1000, 3))
