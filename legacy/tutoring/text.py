"""Text rules of contract G5: blank, trim, folding, lone surrogates."""

import re

_BLANK_RANGES = ((0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A))
_MORE_BLANKS = (0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF)
_RANGED = "".join(chr(code) for first, last in _BLANK_RANGES for code in range(first, last + 1))
BLANKS = _RANGED + "".join(map(chr, _MORE_BLANKS))
_SURROGATE = re.compile("[\ud800-\udfff]")
_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def trim(text: str) -> str:
    return text.strip(BLANKS)


def is_blank(text: str) -> bool:
    return not trim(text)


def ascii_lower(text: str) -> str:
    return text.translate(_FOLD)


def without_surrogates(text: str) -> str:
    """Lone surrogates become U+FFFD; Python's JSON reader has already joined the pairs."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
