import hashlib
from typing import Any

import pytest

from tutoring.faults.mutate import garbled, mutate
from tutoring.faults.parse import BadFaults, parse_faults
from tutoring.faults.switch import FaultSwitch, FaultView
from tutoring.faults.table import FAULTS
from tutoring.logs import Log
from tutoring.metrics import Metrics


def switch(text: str, seed: str = "0") -> FaultSwitch:
    return FaultSwitch(parse_faults(text), seed, Metrics(), Log(lambda line: None))


def view(text: str, surface: str = "rest", route: str | None = "R6") -> FaultView:
    return switch(text).view(surface, route)


def test_items_have_name_scope_rate_and_argument() -> None:
    slow, lost = parse_faults(" slow-reply@R6:0.05:800 , lost-yjs-update:0.01,")
    assert (slow.name, slow.scope, slow.rate, slow.argument) == ("slow-reply", "R6", 0.05, "800")
    assert (lost.scope, lost.rate, lost.argument) == (None, 0.01, "")
    assert str(slow) == "slow-reply@R6:0.05:800"
    assert parse_faults("missing-field:1:$.data.text:x")[0].argument == "$.data.text:x"


@pytest.mark.parametrize(
    "text", ["nothing", "hang:2", "hang:x", "hang:nan", "hang:1:5", "hang@R99", "slow-reply:1:fast", "lit-chat-500"]
)
def test_bad_items_are_refused(text: str) -> None:
    with pytest.raises(BadFaults):
        parse_faults(text)


def test_every_fault_acts_somewhere() -> None:
    assert all(fault.where for fault in FAULTS.values())
    assert len(FAULTS) == 51


def test_scopes_limit_where_a_fault_acts() -> None:
    assert view("hang@R6").fires("hang") and not view("hang@R7").fires("hang")
    assert view("wrong-status").fires("wrong-status") and not view("drop-frame").fires("drop-frame")
    assert view("leak-field", route="R4").fires("leak-field") and not view("leak-field").fires("leak-field")
    assert view("hang@all", "whiteboard", None).fires("hang")
    assert view("clock-skew", "process", None).fires("clock-skew")


def test_firing_is_decided_by_seed_name_and_chance() -> None:
    faults = switch("hang:0.3", seed="s").view("rest", None)
    wanted = [
        int.from_bytes(hashlib.sha256(f"s:hang:{n}".encode()).digest()[:4], "big") / 2**32 < 0.3 for n in range(50)
    ]
    assert [faults.fires("hang") is not None for _ in range(50)] == wanted
    assert 5 < sum(wanted) < 25


def test_header_items_are_added_and_items_can_be_replaced() -> None:
    faults = switch("")
    assert faults.view("rest", None).is_quiet
    added = faults.view("rest", None, "slow-reply:1:250")
    fired = added.fires("slow-reply")
    assert fired is not None and fired.seconds == 0.25
    open_socket = faults.view("tutor")
    faults.replace(parse_faults("drop-frame"))
    assert open_socket.fires("drop-frame")


BODY: dict[str, Any] = {
    "id": "ab",
    "n": 1,
    "gone": None,
    "list": [1, 2],
    "created_at": "2026-01-02T03:04:05.678000+00:00",
}


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("missing-field", {"id": ...}),
        ("missing-field:1:$.list[0]", {"list": [2]}),
        ("null-field:1:n", {"n": None}),
        ("extra-field", {"_creationTime": 1}),
        ("absent-null", {"gone": ...}),
        ("type-change", {"id": 0}),
        ("type-change:1:n", {"n": "1"}),
        ("type-change:1:list", {"list": {"0": 1, "1": 2}}),
        ("value-change", {"id": "ba"}),
        ("value-change:1:n", {"n": 2}),
        ("reorder-array", {"list": [2, 1]}),
        ("truncate-list", {"list": [1]}),
        ("time-format", {"created_at": 1767323045678}),
    ],
)
def test_a_fault_changes_what_it_names_and_nothing_else(fault: str, change: dict[str, Any]) -> None:
    before = {**BODY, "list": list(BODY["list"])}
    wanted = {key: value for key, value in {**BODY, **change}.items() if value is not ...}
    assert mutate(BODY, view(fault)) == wanted
    assert before == BODY


def test_floats_become_text_and_codes_become_wrong() -> None:
    assert mutate({"a": 1.5, "overall_progress": 0, "n": 3}, view("float-text")) == {
        "a": "1.5", "overall_progress": "0", "n": 3
    }  # fmt: skip
    error = {"data": {"error_code": "X"}, "error_code": None}
    assert mutate(error, view("wrong-error-code")) == {"data": {"error_code": "WRONG_CODE"}, "error_code": None}
    assert garbled('{"a":1}') == '{"a'


def test_nothing_on_means_nothing_changed() -> None:
    assert mutate(BODY, view("")) is BODY
