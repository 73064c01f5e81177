"""Before the upgrade: credentials and ids of a socket (contract G7, G15)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from ..auth.caller import bearer_of
from ..auth.tokens import Claims, RefusedToken
from ..faults.parse import BadFaults
from ..faults.switch import FaultView
from ..http.edge import is_refused_by_shadow_guard, request_id_of
from ..ids import canonical_uuid
from .wire import Wire

if TYPE_CHECKING:
    from ..runtime import Runtime


class Refused(Exception):
    """The upgrade is answered with this status."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(frozen=True)
class Handshake:
    claims: Claims
    session_id: str
    is_streaming: bool


def open_wire(runtime: "Runtime", surface: str, scope: Scope, receive: Receive, send: Send) -> Wire:
    headers = Headers(scope=scope)
    request_id = request_id_of(headers)
    faults = _faults(runtime, surface, headers, request_id)
    return Wire(surface, receive, send, runtime.metrics, faults, request_id, runtime.wires)


def _faults(runtime: "Runtime", surface: str, headers: Headers, request_id: str) -> FaultView:
    header = headers.get("x-fault", "") if runtime.settings.allow_fault_headers else ""
    try:
        return runtime.switch.view(surface, None, header, request_id)
    except BadFaults as bad:
        runtime.log.warn("x-fault ignored", reason=str(bad), requestId=request_id)
        return runtime.switch.view(surface, None, "", request_id)


def check_shadow(runtime: "Runtime", scope: Scope) -> None:
    if is_refused_by_shadow_guard(runtime.settings.is_shadow, Headers(scope=scope), is_read=False):
        raise Refused(403)


async def shake_hands(runtime: "Runtime", wire: Wire, scope: Scope, path_id: str) -> Handshake:
    """Raises Refused, StoreUnavailable."""
    headers, query = Headers(scope=scope), QueryParams(scope.get("query_string", b""))
    authorization = headers.get("authorization")
    token = bearer_of(authorization) if authorization is not None else query.get("token")
    try:
        claims = await runtime.callers.identify(token, wire.faults)
    except RefusedToken as refused:
        raise Refused(403) from refused
    if fired := wire.faults.fires("refuse-handshake"):
        raise Refused(int(fired.number))
    session_id = canonical_uuid(path_id)
    if session_id is None:
        raise Refused(403)
    return Handshake(claims, session_id, query.get("stream") == "1")
