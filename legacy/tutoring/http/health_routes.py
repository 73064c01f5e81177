"""R1, R2, probes and the fault switch (contract rest.md §6, realtime-socket.md §9, faults.md §1)."""

import asyncio

from .. import VERSION, clock
from ..errors import ApiError, StoreUnavailable
from ..faults.parse import BadFaults, parse_faults
from .call import Call, Reply, Route

_CHECK_S = 1.0


async def _root(_call: Call, _tx: None, _target: None, _arguments: None) -> Reply:
    return Reply(200, {"message": "Tutoring service"})


async def _metrics(call: Call, _tx: None, _target: None, _arguments: None) -> Reply:
    text = call.runtime.metrics.exposition()
    return Reply(200, raw=text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _livez(_call: Call, _tx: None, _target: None, _arguments: None) -> Reply:
    return Reply(200, {"status": "ok"})


async def _readyz(call: Call, _tx: None, _target: None, _arguments: None) -> Reply:
    runtime = call.runtime
    is_lying = any(item.name == "ready-lies" for item in runtime.switch.items)
    is_stored = is_lying or await _store_answers(call)
    checks = {
        "store": "ok" if is_stored else "fail",
        "boards": "ok" if is_lying or runtime.boards.is_healthy else "fail",
        "config": "ok",
    }
    is_ready = all(state == "ok" for state in checks.values()) and not runtime.is_stopping
    if call.faults.fires("not-ready"):
        is_ready, checks = False, {**checks, "store": "fail"}
    return Reply(200 if is_ready else 503, {"status": "ready" if is_ready else "not_ready", "checks": checks})


async def _store_answers(call: Call) -> bool:
    try:
        async with asyncio.timeout(_CHECK_S):
            await call.runtime.store.ping()
    except (StoreUnavailable, TimeoutError):
        return False
    return True


async def _api_health(_call: Call, _tx: None, _target: None, _arguments: None) -> Reply:
    return Reply(200, {"status": "ok", "timestamp": clock.naive(clock.now_ms()), "version": VERSION})


async def _faults_on(call: Call, _tx: None, _target: None, _arguments: None) -> Reply:
    text = ",".join(map(str, call.runtime.switch.items))
    return Reply(200, raw=text.encode(), media_type="text/plain; charset=utf-8")


async def _switch_faults(call: Call, _tx: None, _target: None, _arguments: None) -> Reply:
    try:
        items = parse_faults(call.raw.decode("utf-8", "replace"))
    except BadFaults as bad:
        raise ApiError(400, None, str(bad)) from bad
    call.runtime.switch.replace(items)
    return Reply(204)


ROUTES = [
    Route("R1", "GET", "/", _root, auth="none", touches_store=False),
    Route("R2", "GET", "/metrics", _metrics, auth="none", touches_store=False, is_exempt=True),
    Route("livez", "GET", "/livez", _livez, auth="none", touches_store=False, is_exempt=True),
    Route("readyz", "GET", "/readyz", _readyz, auth="none", touches_store=False, is_exempt=True),
    Route("health", "GET", "/api/health", _api_health, auth="none", touches_store=False),
]
FAULT_ROUTES = [
    Route("faults", "GET", "/internal/faults", _faults_on, auth="service", touches_store=False, is_exempt=True),
    Route("faults", "PUT", "/internal/faults", _switch_faults, auth="service", touches_store=False, is_exempt=True),
]
