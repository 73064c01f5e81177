"""Incremental reading of `args.text` of an `explain` reply (contract tutor-socket.md §5).

The reply arrives in pieces of any size; the scanner gives back the characters each piece adds to the decoded text. It
never judges: a malformed reply simply stops adding characters, and the complete reply is parsed afterwards.
"""

_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_REPLACEMENT = "\ufffd"


class ExplainScanner:
    def __init__(self) -> None:
        self._stack: list[str] = []
        self._keys: list[str] = []
        self._is_key_next = False
        self._in_string = False
        self._is_key = False
        self._escape: str | None = None  # None outside an escape, else the characters read after the backslash
        self._token: list[str] = []
        self._high = 0
        self._name = ""
        self._emits = False
        self._is_done = False
        self._out: list[str] = []

    def feed(self, piece: str) -> str:
        """Decoded characters this piece adds to `args.text`."""
        self._out = []
        for char in piece:
            if self._is_done:
                break
            if self._in_string:
                self._string_char(char)
            else:
                self._structure_char(char)
        return "".join(self._out)

    def _structure_char(self, char: str) -> None:
        if not self._stack:
            if char == "{":
                self._open("{")
        elif char == '"':
            self._start_string()
        elif char in "{[":
            self._open(char)
        elif char in "}]":
            self._stack.pop()
            self._keys.pop()
            self._is_key_next = False
            self._is_done = not self._stack
        elif char == ",":
            self._is_key_next = self._stack[-1] == "{"
        elif char == ":":
            self._is_key_next = False

    def _open(self, bracket: str) -> None:
        self._stack.append(bracket)
        self._keys.append("")
        self._is_key_next = bracket == "{"

    def _start_string(self) -> None:
        self._in_string = True
        self._is_key = self._is_key_next
        self._token = []
        is_text = self._stack == ["{", "{"] and self._keys == ["args", "text"] and not self._is_key
        self._emits = is_text and self._name == "explain"

    def _string_char(self, char: str) -> None:
        if self._escape is not None:
            self._escaped_char(char)
        elif char == "\\":
            self._escape = ""
        elif char == '"':
            self._end_string()
        else:
            self._add(char)

    def _escaped_char(self, char: str) -> None:
        if self._escape == "" and char != "u":
            self._escape = None
            self._add(_ESCAPES.get(char, _REPLACEMENT))
            return
        self._escape = (self._escape or "") + char
        if len(self._escape) == 5:
            digits, self._escape = self._escape[1:], None
            try:
                self._add(chr(int(digits, 16)))
            except ValueError:
                self._is_done = True

    def _add(self, char: str) -> None:
        """One decoded UTF-16 unit or character; a pair is emitted as one character, a lone half as U+FFFD."""
        code = ord(char)
        if self._high:
            high, self._high = self._high, 0
            if 0xDC00 <= code <= 0xDFFF:
                self._take(chr(0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)))
                return
            self._take(_REPLACEMENT)
        if 0xD800 <= code <= 0xDBFF:
            self._high = code
        else:
            self._take(_REPLACEMENT if 0xDC00 <= code <= 0xDFFF else char)

    def _take(self, char: str) -> None:
        (self._out if self._emits else self._token).append(char)

    def _end_string(self) -> None:
        if self._high:
            self._high = 0
            self._take(_REPLACEMENT)
        value = "".join(self._token)
        if self._is_key:
            self._keys[-1] = value
        elif self._stack == ["{"] and self._keys == ["name"]:
            self._name = value
        self._in_string = self._emits = self._is_key = False
