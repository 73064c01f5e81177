"""Access and refresh tokens: verify and issue (contract G7; RFC 7519)."""

import base64
import secrets
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

import jwt

from .. import clock

LEEWAY_S = 5
TOKEN_BYTES_MAX = 8192


class RefusedToken(Exception):
    """Not a token this arm accepts."""


@dataclass(frozen=True)
class Claims:
    sub: str
    email: str
    type: str
    jti: str
    exp: int


class KeySource(Protocol):
    async def key_for(self, token: str) -> tuple[Any, str]:
        """The verifying key and the one algorithm it may be used with. Raises RefusedToken."""


class SharedSecret:
    def __init__(self, secret: str) -> None:
        self._secret = secret

    async def key_for(self, token: str) -> tuple[Any, str]:
        return self._secret, "HS256"


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise RefusedToken("a time claim is not a number")
    return int(value)


def _text(payload: dict[str, Any], name: str, longest: int | None = None) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not value or (longest is not None and len(value) > longest):
        raise RefusedToken(f"claim {name} is missing or not usable")
    return value


class Tokens:
    def __init__(self, keys: KeySource, issuer: str | None, audience: str | None) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def verify(self, token: str, is_expiry_checked: bool = True) -> Claims:
        """Claims of a well-signed, unexpired token of any type. Raises RefusedToken."""
        if not token or len(token) > TOKEN_BYTES_MAX or not token.isascii():
            raise RefusedToken("size")
        key, algorithm = await self._keys.key_for(token)
        # Times are checked below: the library would refuse fractions and a future `iat`, the contract does not.
        options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_sub": False}
        options |= {"verify_jti": False, "verify_aud": self._audience is not None}
        try:
            payload = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                options=options,  # type: ignore[arg-type]
                issuer=self._issuer,
                audience=self._audience,
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise RefusedToken(str(error)) from error
        _number(payload.get("iat"))
        expires = _number(payload.get("exp"))
        if is_expiry_checked and expires <= clock.true_unix() - LEEWAY_S:
            raise RefusedToken("expired")
        return Claims(
            sub=_text(payload, "sub", 128),
            email=_text(payload, "email"),
            type=_text(payload, "type"),
            jti=_text(payload, "jti"),
            exp=expires,
        )


class Issuer:
    """Signs with the shared secret; absent when tokens come from outside."""

    def __init__(
        self, secret: str, access_minutes: int, refresh_days: int, issuer: str | None, audience: str | None
    ) -> None:
        self._secret = secret
        self.access_seconds = access_minutes * 60
        self._refresh_seconds = refresh_days * 86_400
        self._extra = {name: value for name, value in (("iss", issuer), ("aud", audience)) if value is not None}

    def issue(self, sub: str, email: str) -> tuple[str, str]:
        """A fresh access token and refresh token."""
        return (
            self._sign(sub, email, "access", self.access_seconds),
            self._sign(sub, email, "refresh", self._refresh_seconds),
        )

    def _sign(self, sub: str, email: str, kind: str, seconds: int) -> str:
        now = int(clock.true_unix())
        jti = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
        payload = {"sub": sub, "email": email, "iat": now, "exp": now + seconds, "type": kind, "jti": jti}
        return jwt.encode({**payload, **self._extra}, self._secret, algorithm="HS256")


def new_account_id() -> str:
    return str(uuid.uuid4())
