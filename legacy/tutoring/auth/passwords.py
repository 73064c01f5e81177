"""Password hashes in the text form both arms share: scrypt$16384$8$1$<salt>$<hash> (RFC 7914)."""

import base64
import hashlib
import hmac
import secrets
import unicodedata

_N, _R, _P, _KEY_BYTES = 16384, 8, 1, 32
_MEMORY_BYTES = 64 * 1024 * 1024


def _derive(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    raw = password.encode("utf-8", "replace")
    return hashlib.scrypt(raw, salt=salt, n=n, r=r, p=p, dklen=_KEY_BYTES, maxmem=_MEMORY_BYTES)


def hash_password(password: str) -> str:
    salt = secrets.token_bytes(16)
    key = _derive(password, salt, _N, _R, _P)
    return f"scrypt${_N}${_R}${_P}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def is_password(password: str, stored: str) -> bool:
    """Constant-time comparison; a hash in a foreign form matches nothing."""
    try:
        kind, n, r, p, salt, key = stored.split("$")
        if kind != "scrypt":
            return False
        derived = _derive(password, base64.b64decode(salt), int(n), int(r), int(p))
        return hmac.compare_digest(derived, base64.b64decode(key))
    except ValueError:
        return False


_KINDS = ("an upper-case letter", "a lower-case letter", "a digit", "another character")


def _kind(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Lu", "Ll"):
        return _KINDS[0] if category == "Lu" else _KINDS[1]
    return _KINDS[2] if char in "0123456789" else _KINDS[3]


def weakness(password: str) -> str | None:
    """Why a password is refused, or None."""
    kinds = {_kind(char) for char in password}
    missing = [kind for kind in _KINDS if kind not in kinds]
    return f"it needs {', '.join(missing)}" if missing else None
