"""Tokens from outside: keys by id, algorithm bound to the key (contract G7)."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.support.service import Service
from tutoring.auth.jwks import JwksKeys
from tutoring.auth.tokens import RefusedToken, SharedSecret, Tokens

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
SECRET = "x" * 32


def claims(**change: Any) -> dict[str, Any]:
    now = int(time.time())
    fresh = {"sub": "u", "email": "u@x.y", "iat": now, "exp": now + 60, "type": "access", "jti": "j"}
    return {**fresh, **change}


@pytest.fixture(scope="module")
def jwks_url() -> Iterator[str]:
    rsa_public = json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key()))
    ec_public = json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key()))
    keys = [{**rsa_public, "kid": "r"}, {**ec_public, "kid": "e"}, {"kty": "oct", "k": "eHg", "kid": "o"}, "junk"]
    raw = json.dumps({"keys": keys}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/keys"
    server.shutdown()
    server.server_close()


def verify(url: str, token: str) -> str:
    async def work() -> str:
        async with aiohttp.ClientSession() as client:
            return (await Tokens(JwksKeys(url, client), None, None).verify(token)).sub

    return asyncio.run(work())


def test_both_key_kinds_verify_with_their_own_algorithm(jwks_url: str) -> None:
    assert verify(jwks_url, jwt.encode(claims(), RSA_KEY, "RS256", {"kid": "r"})) == "u"
    assert verify(jwks_url, jwt.encode(claims(), EC_KEY, "ES256", {"kid": "e"})) == "u"


@pytest.mark.parametrize(
    ("key", "algorithm", "header"),
    [
        (RSA_KEY, "RS256", {"kid": "unknown"}),
        (RSA_KEY, "RS256", {}),
        (RSA_KEY, "RS384", {"kid": "r"}),
        (SECRET, "HS256", {"kid": "r"}),
        ("xx", "HS256", {"kid": "o"}),
        (EC_KEY, "ES256", {"kid": "r"}),
        ("", "none", {"kid": "r"}),
    ],
)
@pytest.mark.filterwarnings("ignore:.*HMAC key.*")
def test_other_keys_and_algorithms_are_refused(jwks_url: str, key: Any, algorithm: str, header: dict[str, str]) -> None:
    with pytest.raises(RefusedToken):
        verify(jwks_url, jwt.encode(claims(), key, algorithm, header))


def test_with_outside_tokens_nothing_is_issued_here(jwks_url: str, tmp_path: Path) -> None:
    service = Service(tmp_path, JWT_JWKS_URL=jwks_url, JWT_SECRET_KEY="")
    try:
        for route in ("register", "login", "refresh"):
            assert service.call("POST", f"/api/auth/{route}", json={}).status_code == 404
        bearer = {"Authorization": f"Bearer {jwt.encode(claims(), RSA_KEY, 'RS256', {'kid': 'r'})}"}
        assert service.call("GET", "/api/auth/me", headers=bearer).json()["email"] == "u@x.y"
    finally:
        assert service.stop() == 0


def checked(issuer: str | None, audience: str | None, **change: Any) -> bool:
    tokens = Tokens(SharedSecret(SECRET), issuer, audience)
    try:
        asyncio.run(tokens.verify(jwt.encode(claims(**change), SECRET)))
    except RefusedToken:
        return False
    return True


def test_issuer_and_audience_count_only_when_they_are_set() -> None:
    assert checked(None, None, iss="a", aud="b")
    assert checked("a", "b", iss="a", aud=["b", "c"])
    assert not checked("a", None) and not checked("a", None, iss="b")
    assert not checked(None, "b") and not checked(None, "b", aud="c")


def test_times_may_have_fractions_and_five_seconds_of_leeway() -> None:
    now = time.time()
    assert checked(None, None, exp=now - 3.5, iat=now + 900.5)
    assert not checked(None, None, exp=now - 7)
    assert not checked(None, None, exp=True) and not checked(None, None, iat="now")
