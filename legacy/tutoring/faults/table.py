"""The general faults (contract faults.md §2): argument kind, default argument, where they act by default."""

from dataclasses import dataclass
from typing import Literal

Argument = Literal["none", "number", "text"]

REST = frozenset({"rest"})
TUTOR = frozenset({"tutor"})
WHITEBOARD = frozenset({"whiteboard"})
SOCKETS = frozenset({"tutor", "whiteboard", "realtime", "conversations"})
REST_TUTOR = REST | TUTOR
REST_CHAT = REST | {"chat"}
ALL = SOCKETS | REST_CHAT
PROCESS = ALL | {"process"}
TURNS = TUTOR | {"chat"}
FOLDER_READS = frozenset({"R3", "R4", "R16"})


@dataclass(frozen=True)
class Fault:
    where: frozenset[str]
    argument: Argument = "none"
    default: str = ""


FAULTS: dict[str, Fault] = {
    "wrong-status": Fault(REST, "number", "500"),
    "wrong-error-code": Fault(REST_TUTOR),
    "missing-field": Fault(REST_TUTOR, "text"),
    "extra-field": Fault(REST_TUTOR, "text", "_creationTime"),
    "leak-field": Fault(FOLDER_READS),
    "null-field": Fault(REST_TUTOR, "text"),
    "absent-null": Fault(REST_TUTOR),
    "type-change": Fault(REST_TUTOR, "text"),
    "value-change": Fault(REST_TUTOR, "text"),
    "time-format": Fault(REST_TUTOR),
    "reorder-array": Fault(REST_TUTOR, "text"),
    "truncate-list": Fault(REST, "number", "1"),
    "garble-json": Fault(REST_TUTOR),
    "drop-frame": Fault(SOCKETS),
    "dup-frame": Fault(SOCKETS),
    "reorder-frames": Fault(SOCKETS),
    "extra-frame": Fault(SOCKETS),
    "drop-inbound": Fault(SOCKETS),
    "delta-mismatch": Fault(TUTOR),
    "lost-yjs-update": Fault(WHITEBOARD),
    "unsaved-yjs-update": Fault(WHITEBOARD),
    "corrupt-yjs": Fault(WHITEBOARD),
    "echo-yjs": Fault(WHITEBOARD),
    "slow-reply": Fault(ALL, "number", "1000"),
    "slow-model": Fault(TURNS, "number", "5000"),
    "hang": Fault(ALL),
    "http-5xx": Fault(REST_CHAT, "number", "500"),
    "late-5xx": Fault(REST_CHAT, "number", "500"),
    "reset": Fault(ALL),
    "refuse-handshake": Fault(SOCKETS, "number", "503"),
    "close-1011": Fault(SOCKETS),
    "half-open": Fault(SOCKETS),
    "accept-close": Fault(SOCKETS),
    "crash": Fault(PROCESS, "number", "0"),
    "crash-mid-turn": Fault(TURNS),
    "mem-growth": Fault(PROCESS, "number", "256"),
    "cpu-burn": Fault(PROCESS, "number", "50"),
    "not-ready": Fault(frozenset({"readyz"})),
    "ready-lies": Fault(PROCESS),
    "lost-write": Fault(REST_TUTOR),
    "stale-read": Fault(REST, "number", "5000"),
    "double-effect": Fault(REST_TUTOR | {"chat"}),
    "skip-ownership": Fault(REST | SOCKETS),
    "token-reject": Fault(ALL),
    "token-accept": Fault(ALL),
    "prompt-change": Fault(TURNS),
    "extra-model-call": Fault(TURNS),
    "wrong-tool": Fault(TUTOR),
    "float-text": Fault(REST_TUTOR),
    "clock-skew": Fault(PROCESS, "number", "90"),
    "id-random": Fault(REST_TUTOR),
}
