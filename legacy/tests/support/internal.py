"""Calls of the internal endpoints (contract rest.md §7)."""

import json
from typing import Any
from urllib.parse import quote

from tests.support.call import Reply
from tests.support.service import SERVICE_TOKEN, Service

GUARD = {"X-Service-Token": SERVICE_TOKEN}
CHANGES = "/internal/changes"


def internal(service: Service, method: str, path: str, **options: Any) -> Reply:
    return service.call(method, path, headers=GUARD, **options)


def digest(service: Service, user: str) -> dict[str, Any]:
    body: dict[str, Any] = internal(service, "GET", f"/internal/users/{quote(user, safe='')}/digest").json()
    return body


def give(service: Service, *changes: dict[str, Any]) -> dict[str, Any]:
    reply = internal(service, "POST", CHANGES, json={"changes": list(changes)})
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def feed(service: Service, user: str, after: int = 0) -> list[dict[str, Any]]:
    body = internal(service, "GET", CHANGES, params={"after": after, "user_id": user}).json()
    assert not body["more"]
    changes: list[dict[str, Any]] = body["changes"]
    return changes


def export(service: Service, user: str) -> list[dict[str, Any]]:
    reply = internal(service, "GET", f"/internal/users/{quote(user, safe='')}/export")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in reply.text.splitlines()]
