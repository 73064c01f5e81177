"""The route table on FastAPI; unknown routes and methods answer with body E2 (contract rest.md §1)."""

from itertools import groupby
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as PathRoute

from ..jsonwire import dump_bytes
from . import auth_routes, board_routes, folder_routes, health_routes, history_routes, internal_routes, session_routes
from .call import Route
from .pipeline import endpoint

if TYPE_CHECKING:
    from ..runtime import Runtime

_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_FOLDERS = "/api/v1/folders/"


def _table(runtime: "Runtime") -> list[Route]:
    rooms = (health_routes, auth_routes, folder_routes, session_routes, history_routes, board_routes)
    table = [route for room in rooms for route in room.ROUTES]
    if runtime.settings.issues_tokens:
        table += auth_routes.ISSUING_ROUTES
    if runtime.settings.service_token:
        table += internal_routes.ROUTES
        if runtime.settings.is_shadow:
            table += internal_routes.SHADOW_ROUTES
        if runtime.settings.allow_fault_headers:
            table += health_routes.FAULT_ROUTES
    return table


async def _routing_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = {**(error.headers or {}), "Cache-Control": "no-store"}
    return Response(dump_bytes({"detail": error.detail}), error.status_code, headers, media_type="application/json")


def create_api(runtime: "Runtime") -> FastAPI:
    # Framework pages and redirects are off: contract README §7 and G14. So is its telemetry: ours is the table of R2.
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, telemetry=_NO_TELEMETRY)
    api.add_exception_handler(HTTPException, _routing_error)
    by_path = sorted(_table(runtime), key=lambda route: route.path)
    for path, same_path in groupby(by_path, key=lambda route: route.path):
        routes = {route.method: route for route in same_path}
        spellings = (path, path.rstrip("/")) if path == _FOLDERS else (path,)
        for spelling in spellings:
            # A user id may hold anything, a slash too.
            spelling = spelling.replace("{user_id}", "{user_id:path}")
            added = PathRoute(spelling, endpoint(runtime, routes), methods=list(routes))
            assert added.methods is not None
            added.methods.discard("HEAD")  # HEAD is not implied by GET (contract G11)
            api.router.routes.append(added)
    return api
