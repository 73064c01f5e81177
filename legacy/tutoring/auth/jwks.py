"""Keys of an outside token issuer (contract G7; RFC 7517)."""

import asyncio
import json
from typing import Any

import aiohttp
import jwt

from .. import clock
from .tokens import RefusedToken

_CACHED_S = 600
_PAUSE_S = 10
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}


class JwksKeys:
    """Key set by `kid`, cached ten minutes. `jku`, `x5u` and `jwk` of a token header are never followed: they would
    let the sender name the key that verifies it."""

    def __init__(self, url: str, client: aiohttp.ClientSession) -> None:
        self._url = url
        self._client = client
        self._keys: dict[str, tuple[Any, str]] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def key_for(self, token: str) -> tuple[Any, str]:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise RefusedToken("header") from error
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise RefusedToken("no kid")
        async with self._lock:
            await self._refresh(kid)
        found = self._keys.get(kid)
        if found is None or header.get("alg") != found[1]:
            raise RefusedToken("unknown key or another algorithm than the key's")
        return found

    async def _refresh(self, kid: str) -> None:
        now = clock.true_unix()
        is_stale = now - self._read_at > _CACHED_S
        if not (is_stale or kid not in self._keys) or now - self._tried_at < _PAUSE_S:
            return
        self._tried_at = now
        try:
            async with self._client.get(self._url, timeout=_TIMEOUT, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise ValueError(f"the key set was answered with {answer.status}")
                found = json.loads(await answer.read())
            self._keys = dict(filter(None, map(_read_key, found["keys"])))
            self._read_at = now
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
            if is_stale:
                self._keys = {}


def _read_key(entry: Any) -> tuple[str, tuple[Any, str]] | None:
    """One signing key, or None for anything that is not RS256 or ES256 with an id."""
    try:
        algorithm = _ALGORITHMS[entry["kty"]]
        if entry.get("alg", algorithm) != algorithm or entry.get("use", "sig") != "sig":
            return None
        if algorithm == "ES256" and entry.get("crv") != "P-256":
            return None
        return str(entry["kid"]), (jwt.PyJWK(entry, algorithm=algorithm).key, algorithm)
    except (KeyError, TypeError, AttributeError, jwt.PyJWTError):
        return None
