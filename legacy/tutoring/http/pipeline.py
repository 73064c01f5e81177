"""The order of checks every REST route goes through (contract G9)."""

import hmac
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from .. import clock
from ..auth.caller import bearer_of
from ..auth.tokens import RefusedToken
from ..errors import ApiError, StoreUnavailable, ValidationFailed, internal, store_unavailable, unauthorized
from ..faults.current import handle_under
from ..faults.parse import BadFaults
from ..faults.switch import FaultView
from ..ids import canonical_uuid
from ..jsonwire import dump_bytes
from ..store import idempotency
from .body import read_body, take_json
from .call import Call, Reply, Route
from .effects import act_on_reply, act_on_request
from .keyed import Keyed
from .streamed import Streamed
from .validation import violation

if TYPE_CHECKING:
    from ..runtime import Runtime

Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(runtime: "Runtime", routes: dict[str, Route]) -> Endpoint:
    """One endpoint for all methods of a path, so that 405 can name them all."""

    async def handle(request: Request) -> Response:
        route = routes[request.method]
        request.scope["tutoring_route"] = route.path
        request_id: str = request.scope["tutoring_request_id"]
        call = Call(request, runtime, route, request_id, _faults(runtime, route, request, request_id))
        handle_under(call.faults)
        reply = await _answer(call)
        is_past_auth = call.claims is not None or route.auth == "none"
        if is_past_auth and not route.is_exempt:
            reply = await act_on_reply(call, reply)
        return _response(reply)

    return handle


def _faults(runtime: "Runtime", route: Route, request: Request, request_id: str) -> FaultView:
    header = request.headers.get("x-fault", "") if runtime.settings.allow_fault_headers else ""
    surface = route.id if route.is_exempt else "rest"
    try:
        return runtime.switch.view(surface, route.id, header, request_id)
    except BadFaults as bad:
        runtime.log.warn("x-fault ignored", reason=str(bad), requestId=request_id)
        return runtime.switch.view(surface, route.id, "", request_id)


def _response(reply: Reply) -> Response:
    headers = dict(reply.headers)
    if reply.stream is not None:
        return Streamed(reply.stream, reply.status, {**headers, "Cache-Control": "no-store"}, reply.media_type)
    if reply.raw is not None:
        return Response(reply.raw, reply.status, headers, media_type=reply.media_type)
    if reply.status == 204:
        return Response(status_code=204, headers=headers)
    headers["Cache-Control"] = "no-store"
    return Response(dump_bytes(reply.body), reply.status, headers, media_type="application/json")


async def _answer(call: Call) -> Reply:
    family = call.route.family
    try:
        return await _stages(call)
    except ApiError as refusal:
        return Reply(refusal.status, refusal.body(family), refusal.headers)
    except ValidationFailed as failed:
        return Reply(422, failed.body())
    except StoreUnavailable as down:
        code, reply = "STORE_UNAVAILABLE", Reply(503, store_unavailable().body(family))
        call.runtime.log.error("store unavailable", requestId=call.request_id, reason=str(down))
    except Exception as error:
        code, reply = "INTERNAL", Reply(500, internal().body(family))
        call.runtime.log.error("unhandled", requestId=call.request_id, reason=type(error).__name__)
        call.runtime.report(error)
    call.runtime.metrics.errors.labels("rest", code).inc()
    return reply


async def _stages(call: Call) -> Reply:
    route = call.route
    if route.auth == "service":
        _check_service_token(call)  # before a body is taken that may be larger than anyone else's
    call.raw = await read_body(call.request, route.body_bytes_max)
    if route.auth == "bearer":
        await _authenticate(call)
    if not route.is_exempt:
        await act_on_request(call)
        take_json(call)
    _take_path(call)
    keyed = Keyed(call, call.runtime.keyed_calls) if route.is_keyed else None
    if keyed and (replayed := await keyed.replay()):
        return _replayed(call, replayed)
    if route.method == "GET":
        return await _read(call)
    return await _write(call, keyed)


def _check_service_token(call: Call) -> None:
    given = call.request.headers.get("x-service-token", "").encode()
    if not hmac.compare_digest(given, (call.runtime.settings.service_token or "").encode()):
        raise unauthorized("X-Service-Token is missing or wrong.")


async def _authenticate(call: Call) -> None:
    token = bearer_of(call.request.headers.get("authorization"))
    try:
        call.claims = await call.runtime.callers.identify(token, call.faults)
    except RefusedToken as refused:
        raise unauthorized(_refusal_text(call, token)) from refused


def _refusal_text(call: Call, token: str | None) -> str:
    is_missing = token is None and "authorization" not in call.request.headers
    return "Not authenticated" if is_missing else "Invalid authentication credentials"


def _take_path(call: Call) -> None:
    path = call.route.path
    for name, text in call.request.path_params.items():
        canonical = canonical_uuid(text) if call.route.has_uuids else text
        if canonical is None:
            ctx = {"error": "not one of the accepted spellings"}
            message = "Input should be a valid UUID"
            raise ValidationFailed([violation("uuid_parsing", ["path", name], text, message, ctx)])
        call.ids[name] = canonical
        path = path.replace(f"{{{name}}}", canonical)
    call.path = path


def _replayed(call: Call, reply: Reply) -> Reply:
    call.runtime.metrics.replays.labels("rest").inc()
    return reply


async def _read(call: Call) -> Reply:
    if not call.route.touches_store:
        return await call.route.run(call, None, None, call.route.check(call))
    if fired := call.faults.fires("stale-read"):
        call.as_of = clock.now_ms() - int(fired.number)
    async with call.runtime.store.read() as tx:
        target = await call.route.find(call, tx)
        arguments = call.route.check(call)
        return await call.route.run(call, tx, target, arguments)


async def _write(call: Call, keyed: Keyed | None) -> Reply:
    async with call.runtime.store.read() as tx:
        await call.route.find(call, tx)
    arguments = call.route.check(call)
    if keyed:
        keyed.refuse()
    if not call.route.touches_store:
        return await call.route.run(call, None, None, arguments)
    async with AsyncExitStack() as stack:
        if keyed and (replayed := await stack.enter_async_context(keyed.claimed())):
            return _replayed(call, replayed)
        if call.route.in_session_queue:
            slot = call.runtime.live.slot(call.ids["session_id"], call.user_id)
            await stack.enter_async_context(slot)
        try:
            reply = await _effect(call, keyed, arguments)
        except IntegrityError:
            if keyed and (replayed := await keyed.replay()):
                return _replayed(call, replayed)
            raise
        for finish in call.after_commit:
            finish()
    return reply


async def _effect(call: Call, keyed: Keyed | None, arguments: Any) -> Reply:
    """Effect and record commit together (contract G10, G13)."""
    is_lost = call.faults.fires("lost-write") is not None
    async with call.runtime.store.write(is_lost=is_lost) as tx:
        target = await call.route.find(call, tx)
        reply = await call.route.run(call, tx, target, arguments)
        record = keyed.record(reply) if keyed else None
        if record and keyed and keyed.scope:
            await idempotency.add(tx, keyed.scope, record)
    return reply
