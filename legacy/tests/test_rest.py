"""REST on the started service: order of checks, keys, paging."""

import json
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.service import SERVICE_TOKEN, Service, access_token
from tutoring.ids import did, kid

FOLDERS = "/api/v1/folders"
NO_ID = "6f0e8f0c-3b68-4b44-9f5a-2a0f4b4d6f10"


def folder(service: Service, user: str, name: str = "f", **headers: str) -> Any:
    return service.call("POST", FOLDERS, user, json={"name": name}, headers=headers)


@pytest.mark.parametrize(
    ("method", "path", "body", "is_known", "status"),
    [
        ("GET", "/api/v2/folders", None, False, 404),
        ("PUT", FOLDERS, None, False, 405),
        ("HEAD", FOLDERS, None, True, 405),
        ("POST", FOLDERS, "x" * (1024 * 1024 + 1), False, 413),
        ("POST", FOLDERS, "{", False, 401),
        ("PATCH", f"{FOLDERS}/nonsense", "{", True, 422),
        ("PATCH", f"{FOLDERS}/nonsense", "{}", True, 422),
        ("PATCH", f"{FOLDERS}/{NO_ID}", "{}", True, 404),
        ("POST", FOLDERS, "[]", True, 422),
    ],
)
def test_the_first_failing_check_answers(
    service: Service, user: str, method: str, path: str, body: str | None, is_known: bool, status: int
) -> None:
    reply = service.call(method, path, user if is_known else None, content=body)
    assert reply.status_code == status


def test_a_bad_path_id_comes_after_bad_json_and_names_its_place(service: Service, user: str) -> None:
    bad_json = service.call("PATCH", f"{FOLDERS}/x", user, content="{").json()["detail"][0]
    assert (bad_json["type"], bad_json["loc"][0]) == ("json_invalid", "body")
    bad_id = service.call("PATCH", f"{FOLDERS}/x", user, json={}).json()["detail"]
    assert [(each["type"], each["loc"]) for each in bad_id] == [("uuid_parsing", ["path", "folder_id"])]


@pytest.mark.parametrize(
    ("body", "kind", "loc"),
    [
        (None, "missing", ["body"]),
        ([], "model_attributes_type", ["body"]),
        ({}, "missing", ["body", "name"]),
        ({"name": ""}, "string_too_short", ["body", "name"]),
        ({"name": "😀" * 101}, "string_too_long", ["body", "name"]),
        ({"name": None}, "string_type", ["body", "name"]),
    ],
)
def test_violations_have_their_type_and_place(service: Service, user: str, body: Any, kind: str, loc: Any) -> None:
    content = None if body is None else json.dumps(body)
    reply = service.call("POST", FOLDERS, user, content=content)
    assert reply.status_code == 422
    assert [(each["type"], each["loc"]) for each in reply.json()["detail"]] == [(kind, loc)]


def test_texts_come_back_verbatim_even_with_nul(service: Service, user: str) -> None:
    for name in ("a\u0000b", "\u0001x", "<b>é</b>", " \ufeff "):
        assert folder(service, user, name).json()["name"] == name
    names = [each["name"] for each in service.call("GET", FOLDERS, user).json()["folders"]]
    assert sorted(names) == sorted(["a\u0000b", "\u0001x", "<b>é</b>", " \ufeff "])


def test_a_key_replays_the_answer_and_derives_the_id(service: Service, user: str) -> None:
    key = str(uuid.uuid4())
    first, again = (folder(service, user, **{"Idempotency-Key": key}) for _ in range(2))
    assert first.json()["id"] == kid("folder", user, "/api/v1/folders/", key)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    assert "Idempotency-Replayed" not in first.headers
    other = folder(service, user, "g", **{"Idempotency-Key": key})
    assert (other.status_code, other.json()["error_code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_a_repeated_deletion_is_replayed_although_the_object_is_gone(service: Service, user: str) -> None:
    path = f"{FOLDERS}/{folder(service, user).json()['id']}"
    headers = {"Idempotency-Key": "delete-once"}
    replies = [service.call("DELETE", path, user, headers=headers) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [204, 204]
    assert replies[1].headers["Idempotency-Replayed"] == "true"
    assert service.call("DELETE", path, user).status_code == 404


def test_equal_keys_at_once_have_one_effect(service: Service, user: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: folder(service, user, **{"Idempotency-Key": "at-once"}), range(8)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert len(service.call("GET", FOLDERS, user).json()["folders"]) == 1


@pytest.mark.parametrize("key", ["two words", "x" * 129, "t\tab"])
def test_a_bad_key_is_refused_after_the_body(service: Service, user: str, key: str) -> None:
    headers = {"Idempotency-Key": key}
    assert service.call("POST", FOLDERS, user, json={}, headers=headers).status_code == 422
    reply = service.call("POST", FOLDERS, user, json={"name": "a"}, headers=headers)
    assert (reply.status_code, reply.json()["error_code"]) == (400, "IDEMPOTENCY_KEY_INVALID")


def test_sessions_are_paged_newest_first(service: Service, user: str) -> None:
    made = [service.session(user) for _ in range(5)]
    seen: list[str] = []
    before: str | None = None
    while True:
        query = {"limit": "2", **({"before": before} if before else {})}
        page = service.call("GET", "/api/v1/sessions", user, params=query).json()
        seen += [each["id"] for each in page["sessions"]]
        before = page["next_before"]
        if before is None:
            break
    assert sorted(seen) == sorted(made) and len(seen) == 5
    unknown = service.call("GET", "/api/v1/sessions", user, params={"before": NO_ID}).json()
    assert unknown == {"sessions": [], "next_before": None}


def test_log_rows_are_numbered_and_canonical(service: Service, user: str) -> None:
    session = service.session(user)
    path = f"/api/v1/sessions/{session}"
    for topic in ("b", "a"):
        body = {"topic": topic, "summary": "s", "section": "é", "more": 1.0}
        assert service.call("POST", f"{path}/log/summary", user, json=body).status_code == 204
    rows = service.call("GET", f"{path}/interactions", user, params={"limit": 1}).json()
    assert rows["interactions"][0]["id"] == rows["next_after"] == did("log", session, 1)
    assert rows["interactions"][0]["content"] == '{"more":1,"section":"é","summary":"s","topic":"b"}'
    rest = service.call("GET", f"{path}/interactions", user, params={"after": rows["next_after"]}).json()
    assert [row["id"] for row in rest["interactions"]] == [did("log", session, 2)] and rest["next_after"] is None


def test_deleting_a_folder_leaves_its_sessions_without_one(service: Service, user: str) -> None:
    folder_id = folder(service, user).json()["id"]
    body = {"folder_id": f"{{{folder_id.upper()}}}"}
    session = service.call("POST", "/api/v1/sessions", user, json=body).json()["session_id"]
    assert service.call("GET", f"{FOLDERS}/{folder_id}", user).json()["session_count"] == 1
    service.call("DELETE", f"{FOLDERS}/{folder_id}", user)
    assert service.call("GET", f"/api/v1/sessions/{session}", user).json()["folder_id"] is None


def test_other_peoples_objects_look_unknown(service: Service, user: str) -> None:
    session = service.session(user)
    for path, status in (("", 404), ("/messages", 404), ("/board_summary", 403)):
        foreign = service.call("GET", f"/api/v1/sessions/{session}{path}", f"{user}-2")
        unknown = service.call("GET", f"/api/v1/sessions/{NO_ID}{path}", f"{user}-2")
        assert foreign.status_code == unknown.status_code == status
        assert foreign.json() == unknown.json()


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"type": "refresh"}, {"sub": "x" * 129}, {"sub": 5}, {"exp": "soon"}, {"jti": ""}, {"email": None}],
)
def test_tokens_with_unfit_claims_are_refused(service: Service, user: str, claims: dict[str, Any]) -> None:
    token = access_token(user, **claims)
    reply = service.call("GET", FOLDERS, headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 401 and reply.json()["error_code"] is None


def test_cors_and_contract_headers_are_on_errors_too(service: Service) -> None:
    origin = "http://localhost:3000"
    reply = service.call("GET", "/nowhere", headers={"Origin": origin, "X-Request-Id": "r-1"})
    assert reply.headers["Access-Control-Allow-Origin"] == origin
    wanted = {"X-Request-Id": "r-1", "X-Contract-Version": "1.0.0", "X-Backend-Arm": "legacy"}
    assert {name: reply.headers[name] for name in wanted} == wanted
    foreign = {"Origin": "http://evil.test", "Access-Control-Request-Method": "GET"}
    assert service.call("OPTIONS", FOLDERS, headers=foreign).status_code == 400


def test_a_mirrored_write_is_refused(service: Service, user: str) -> None:
    shadow = {"X-Shadow": "1"}
    assert service.call("POST", FOLDERS, user, json={"name": "a"}, headers=shadow).status_code == 421
    assert service.call("GET", FOLDERS, user, headers=shadow).status_code == 200


def test_faults_are_switched_at_run_time_and_listed(service: Service, user: str) -> None:
    guard = {"X-Service-Token": SERVICE_TOKEN}
    put = service.call("PUT", "/internal/faults", content="wrong-status@R4:1:418", headers=guard)
    try:
        assert put.status_code == 204
        assert service.call("GET", FOLDERS, user).status_code == 418
        assert service.call("GET", "/internal/faults", headers=guard).text == "wrong-status@R4:1:418"
        assert service.call("PUT", "/internal/faults", content="nonsense", headers=guard).status_code == 400
        assert service.call("GET", "/internal/faults").status_code == 401
    finally:
        assert service.call("PUT", "/internal/faults", content="", headers=guard).status_code == 204
    assert service.call("GET", FOLDERS, user).status_code == 200


def test_a_reset_is_a_reset_and_late_errors_keep_their_effect(service: Service, user: str) -> None:
    late = {"Idempotency-Key": "late", "x-fault": "late-5xx:1:503"}
    assert folder(service, user, **late).status_code == 503
    assert folder(service, user, **{"Idempotency-Key": "late"}).headers["Idempotency-Replayed"] == "true"
    with socket.create_connection(("127.0.0.1", service.port)) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nx-fault: reset\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


def test_metrics_name_routes_by_their_template(service: Service, user: str) -> None:
    session = service.session(user)
    service.call("GET", f"/api/v1/sessions/{session}", user)
    text = service.call("GET", "/metrics").text
    assert 'route="/api/v1/sessions/{session_id}"' in text and session not in text
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "ai_tutor_build_info"):
        assert f"\n{name}" in text


def test_log_lines_hold_no_tokens(service: Service, user: str) -> None:
    token = access_token(user)
    service.call("GET", f"{FOLDERS}?token={token}", user)
    service.call("GET", "/livez")
    lines = "".join(service.lines)
    assert token not in lines and "token=" not in lines
    assert {"time", "level", "msg", "requestId", "method", "route", "status", "durationMs"} <= set(
        json.loads(service.lines[-1])
    )
