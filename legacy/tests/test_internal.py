"""The internal endpoints on started services: one user's data from one to the other (contract rest.md §7)."""

import json
import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.support.feed import folder, fresh_id
from tests.support.internal import CHANGES, GUARD, digest, export, feed, give, internal
from tests.support.model import ModelServer, tool
from tests.support.service import SERVICE_TOKEN, Service, eventually
from tests.test_whiteboard_socket import MINE, Board


def carry(source: Service, target: Service, user: str) -> dict[str, Any]:
    """What the relay does: own origin is never sent back, what comes too early is sent again."""
    waiting = feed(source, user)
    for _ in range(3):
        told = give(target, *waiting)
        early = {each["seq"] for each in told["rejected"] if each["reason"].startswith("later: ")}
        assert len(early) == len(told["rejected"]), told
        waiting = [each for each in waiting if each["seq"] in early]
        if not waiting:
            break
    return told


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/internal/users/u/digest"), ("GET", CHANGES), ("POST", CHANGES), ("GET", "/internal/users/u/export")],
)
def test_only_the_service_token_opens(service: Service, user: str, method: str, path: str) -> None:
    for headers in ({}, {"X-Service-Token": "wrong"}, {"X-Service-Token": ""}):
        reply = service.call(method, path, user, headers=headers, content="x" * 2_000_000)
        assert reply.status_code == 401 and set(reply.json()) == {"error_code", "error_message", "technical_details"}
    origin = {"Origin": "http://localhost:3000", **GUARD}
    allowed = service.call(method, path, headers=origin, content='{"changes":[]}')
    assert allowed.status_code == 200 and "Access-Control-Allow-Origin" not in allowed.headers
    assert allowed.headers["Cache-Control"] == "no-store"


def test_without_a_service_token_there_are_no_such_routes(tmp_path: Path, user: str) -> None:
    service = Service(tmp_path, SERVICE_TOKEN="")
    try:
        for method, path in (("GET", CHANGES), ("POST", CHANGES), ("GET", "/internal/users/u/digest")):
            reply = service.call(method, path, headers={"X-Service-Token": ""})
            assert (reply.status_code, reply.json()) == (404, {"detail": "Not Found"})
    finally:
        assert service.stop() == 0


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("after=-1", "greater_than_equal"),
        ("after=x", "int_parsing"),
        ("limit=0", "greater_than_equal"),
        ("limit=1001", "less_than_equal"),
        ("limit=1.5", "int_parsing"),
    ],
)
def test_a_bad_query_is_named(service: Service, query: str, kind: str) -> None:
    reply = internal(service, "GET", f"{CHANGES}?{query}")
    assert (reply.status_code, [each["type"] for each in reply.json()["detail"]]) == (422, [kind])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (None, "missing"),
        ("[]", "model_attributes_type"),
        ("{", "json_invalid"),
        ("{}", "missing"),
        ('{"changes":{}}', "list_type"),
        (json.dumps({"changes": [1] * 1001}), "too_long"),
    ],
)
def test_a_bad_body_is_named(service: Service, content: str | None, kind: str) -> None:
    reply = internal(service, "POST", CHANGES, content=content)
    assert (reply.status_code, [each["type"] for each in reply.json()["detail"]]) == (422, [kind])


def test_one_bad_change_does_not_stop_the_others(other: Service, user: str) -> None:
    key = fresh_id()
    told = give(other, {"seq": 7, "kind": "jobs"}, folder(key, user, seq=8), 5)  # type: ignore[arg-type]
    assert told == {
        "applied": 1,
        "skipped": 0,
        "rejected": [{"seq": 7, "reason": "unknown kind"}, {"seq": 0, "reason": "not an object"}],
        "conflicts": [],
    }
    assert [each["id"] for each in other.call("GET", "/api/v1/folders", user).json()["folders"]] == [key]


def lesson(service: Service, model: ModelServer, user: str) -> str:
    """A session with a folder, two turns, a drawing and a board."""
    made = service.call("POST", "/api/v1/folders", user, json={"name": "f"}).json()
    sid = str(service.call("POST", "/api/v1/sessions", user, json={"folder_id": made["id"]}).json()["session_id"])
    tutor, drawn = service.tutor(user, sid), Board(service.board(user, sid))
    model.script(tool("draw", objects=[{"id": "o", "kind": "text", "text": "t"}]))
    tutor.say("draw", client_message_id="m1")
    tutor.say("go on", client_message_id="m2")
    drawn.put("a", MINE)
    tutor.socket.close()
    drawn.socket.close()
    eventually(lambda: digest(service, user)["sections"]["yjs_snapshots"]["count"] == 1)
    return sid


def test_a_user_is_copied_by_export_and_then_followed_by_the_feed(
    service: Service, other: Service, model: ModelServer, user: str
) -> None:
    name = f"auth0|{user}/é"
    sid = lesson(service, model, name)
    *rows, last = export(service, name)
    told = give(other, *rows)
    early = [each for each in rows if each["seq"] in {one["seq"] for one in told["rejected"]}]
    assert not early and told["applied"] == len(rows) and told["conflicts"] == []
    assert digest(other, name)["full_hash"] == last["full_hash"] == digest(service, name)["full_hash"]
    assert {each["origin"] for each in feed(other, name)} == {"legacy"}
    service.call("POST", f"/api/v1/sessions/{sid}/log/summary", name, json={"section": "", "topic": "", "summary": ""})
    later = feed(service, name, last["cursor"])
    assert [each["kind"] for each in later] == ["interaction_logs"]
    assert give(other, *later)["applied"] == 1
    assert digest(other, name)["full_hash"] == digest(service, name)["full_hash"]
    # The user goes on at the other arm: the model sees what was said, numbers continue, a repeat is recognised.
    tutor = other.tutor(name, sid)
    assert tutor.opening["chat_history"][0]["text"] == "draw"
    calls = len(model.calls)
    repeated = tutor.say("go on", client_message_id="m2")
    assert repeated["data"]["explanation_text"] == "About: go on" and len(model.calls) == calls
    tutor.say("and then?")
    assert {"go on", "and then?"} <= {each["content"] for each in model.calls[-1]["messages"]}
    tutor.socket.close()
    numbers = [row["turn_no"] for row in other.call("GET", f"/api/v1/sessions/{sid}/messages", name).json()]
    assert numbers == [1, 2, 3, 4, 5, 6]
    # And back.
    carry(other, service, name)
    assert digest(other, name)["full_hash"] == digest(service, name)["full_hash"]


def test_an_old_cursor_is_told(tmp_path: Path, user: str) -> None:
    service = Service(tmp_path)
    try:
        service.call("POST", "/api/v1/folders", user, json={"name": "f"})
        with sqlite3.connect(tmp_path / "legacy" / "tutoring.sqlite") as store:
            store.execute("UPDATE feed SET horizon = 1")
        store.close()
        reply = internal(service, "GET", CHANGES)
        assert (reply.status_code, reply.json()["error_code"]) == (410, "CURSOR_EXPIRED")
        assert internal(service, "GET", f"{CHANGES}?after=1").status_code == 200
    finally:
        assert service.stop() == 0


def test_readers_who_leave_an_export_hold_nothing(other: Service, user: str) -> None:
    large = [folder(fresh_id(), user, "x" * 500_000) for _ in range(40)]
    for first in range(0, 40, 10):
        give(other, *large[first : first + 10])
    for _ in range(6):
        with socket.create_connection(("127.0.0.1", other.port)) as leaver:
            head = f"GET /internal/users/{user}/export HTTP/1.1\r\nHost: x\r\nX-Service-Token: {SERVICE_TOKEN}\r\n\r\n"
            leaver.sendall(head.encode())
            assert leaver.recv(100).startswith(b"HTTP/1.1 200")
    assert digest(other, user)["sections"]["folders"]["count"] == 40
    assert len(export(other, user)) == 41


def test_a_store_that_fails_is_503_everywhere(tmp_path: Path, user: str) -> None:
    service = Service(tmp_path)
    try:
        assert internal(service, "PUT", "/internal/faults", content="ready-lies").status_code == 204
        paths = ("/internal/users/u/digest", "/internal/users/u/export", CHANGES)
        replies = [internal(service, "GET", path) for path in paths]
        replies.append(internal(service, "POST", CHANGES, json={"changes": [folder("f", user)]}))
        assert {(reply.status_code, reply.json()["error_code"]) for reply in replies} == {(503, "STORE_UNAVAILABLE")}
    finally:
        assert service.stop() == 0


def test_a_lost_write_leaves_no_change(service: Service, user: str) -> None:
    service.call("GET", "/api/v1/folders", user)
    before = feed(service, user)
    lost = {"x-fault": "lost-write"}
    assert service.call("POST", "/api/v1/folders", user, json={"name": "f"}, headers=lost).status_code == 201
    assert feed(service, user) == before


def test_users_are_listed_in_an_order_that_stays(service: Service) -> None:
    made = sorted(f"listed-{index}-{fresh_id()}" for index in range(5))
    for user in reversed(made):
        give(service, folder(fresh_id(), user))
    after: str | None = None
    found: list[str] = []
    while True:
        page = internal(
            service, "GET", "/internal/users", params={"limit": 2} | ({"after": after} if after else {})
        ).json()
        found += page["users"]
        if not page["more"]:
            break
        after = page["users"][-1]
    assert len(found) == len(set(found))
    assert [user for user in found if user in made] == made
    for query in ("limit=0", "limit=1001"):
        assert internal(service, "GET", f"/internal/users?{query}").status_code == 422
