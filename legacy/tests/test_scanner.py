import json
from itertools import pairwise
from random import Random

import pytest

from tests import generators
from tutoring.model.failures import UnusableReply
from tutoring.model.reply import read_object
from tutoring.model.scanner import ExplainScanner
from tutoring.model.sse import SseLines


def scanned(pieces: list[str]) -> list[str]:
    scanner = ExplainScanner()
    return [scanner.feed(piece) for piece in pieces]


def replies_in_pieces(random: Random) -> tuple[str, list[str]]:
    text = generators.text(random, 60)
    others = random.sample(["title", "topic", "extra"], random.randint(0, 2))
    more = {name: generators.text(random, 5) for name in others}
    is_ascii = random.random() < 0.5
    reply = json.dumps({"name": "explain", "args": {**more, "text": text}}, ensure_ascii=is_ascii)
    cuts = sorted(random.randint(0, len(reply)) for _ in range(random.randint(0, 12)))
    bounds = [0, *cuts, len(reply)]
    return text, [reply[start:end] for start, end in pairwise(bounds)]


@generators.for_all(replies_in_pieces)
def test_deltas_add_up_to_the_text_however_the_reply_is_cut(given_reply: tuple[str, list[str]]) -> None:
    text, pieces = given_reply
    deltas = scanned(pieces)
    assert "".join(deltas) == text == read_object("".join(pieces))["args"]["text"]
    for delta in deltas:
        assert not any(0xD800 <= ord(char) <= 0xDFFF for char in delta)


@generators.for_all(lambda random: generators.text(random, 80))
def test_no_input_breaks_the_scanner(text: str) -> None:
    scanned(list(text))
    scanned(['{"name":"explain","args":{"text":"', *text])


@pytest.mark.parametrize(
    "reply",
    [
        '{"args":{"text":"a"},"name":"explain"}',
        '{"name":"draw","args":{"text":"a"}}',
        '{"name":"explain","args":["text","a"]}',
        '{"name":"explain","args":{"extra":{"text":"a"}}}',
        '{"name":"explain","text":"a"}',
        '{"outer":{"name":"explain"},"args":{"text":"a"}}',
        '{"name":"explain","args":{"text":["a"]}}',
        '{"name":"explain","args":{}} {"args":{"text":"a"}}',
    ],
)
def test_other_places_and_orders_give_no_deltas(reply: str) -> None:
    assert scanned([reply]) == [""]


def test_a_pair_cut_between_its_halves_is_emitted_whole() -> None:
    assert scanned(['{"name":"explain","args":{"text":"\\ud83d', '\\ude00x"']) == ["", "😀x"]
    assert scanned(['{"name":"explain","args":{"text":"\\ud83d', 'x"']) == ["", "\ufffdx"]


@pytest.mark.parametrize(
    "reply",
    [' ```json\n{"name":"x","args":{}}\n``` ', '```{"name":"x","args":{}}```', 'Sure: {"name":"x","args":{}} ok'],
)
def test_a_fence_or_words_around_the_object_do_not_matter(reply: str) -> None:
    assert read_object(reply) == {"name": "x", "args": {}}


@pytest.mark.parametrize("reply", ["", "hello", "}{", '{"a":NaN}', '{"a":1', "[1]"])
def test_a_reply_without_an_object_is_unusable(reply: str) -> None:
    with pytest.raises(UnusableReply) as refused:
        read_object(reply)
    assert refused.value.reason == "not_json"


def test_event_lines_may_be_cut_anywhere() -> None:
    lines = SseLines()
    stream = b"data: one\r\n\r\n: comment\ndata:two\n\n"
    assert [data for byte in stream for data in lines.feed(bytes([byte]))] == [b"one", b"two"]
