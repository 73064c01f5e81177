"""Accounts on the started service (contract realtime-socket.md §9)."""

import jwt
import pytest

from tests.support.service import SECRET, Service
from tutoring.auth.passwords import hash_password, is_password, weakness

PASSWORD = "Correct-1"


def register(service: Service, user: str, **change: str) -> dict[str, object]:
    body = {"email": f"{user}@Example.test", "password": PASSWORD, "name": "N", **change}
    reply = service.call("POST", "/api/auth/register", json=body)
    return {"status": reply.status_code, **reply.json()}


def login(service: Service, user: str, password: str = PASSWORD) -> tuple[int, str]:
    body = {"email": f"{user}@EXAMPLE.test", "password": password}
    reply = service.call("POST", "/api/auth/login", json=body)
    return reply.status_code, reply.json().get("detail", "")


def test_registering_gives_tokens_with_the_claims_of_the_contract(service: Service, user: str) -> None:
    made = register(service, user)
    claims = jwt.decode(str(made["access_token"]), SECRET, algorithms=["HS256"])
    assert (made["status"], made["expires_in"], claims["type"]) == (201, 1800, "access")
    assert claims["email"] == f"{user}@example.test" and claims["exp"] - claims["iat"] == 1800
    assert register(service, user)["detail"] == "Email already registered"
    assert str(register(service, f"{user}x", password="weakweak")["detail"]).startswith("Weak password: ")
    assert str(register(service, user, email="a@b")["detail"]).startswith("Invalid email: ")


def test_five_wrong_passwords_lock_the_account(service: Service, user: str) -> None:
    register(service, user)
    assert login(service, user)[0] == 200
    assert [login(service, user, "Wrong-1x")[0] for _ in range(5)] == [401] * 5
    assert login(service, user) == (423, "Account temporarily locked. Please try again later.")
    assert login(service, f"{user}-unknown") == (401, "Invalid email or password")


def test_a_refresh_token_works_once(service: Service, user: str) -> None:
    made = register(service, user)
    body = {"refresh_token": made["refresh_token"]}
    assert service.call("POST", "/api/auth/refresh", json=body).status_code == 200
    again = service.call("POST", "/api/auth/refresh", json=body)
    assert (again.status_code, again.json()) == (401, {"detail": "Token has been revoked"})
    access = {"refresh_token": made["access_token"]}
    detail = service.call("POST", "/api/auth/refresh", json=access).json()["detail"]
    assert detail == "Invalid token type. Expected refresh"


def test_logout_revokes_the_access_token_only(service: Service, user: str) -> None:
    made = register(service, user)
    bearer = {"Authorization": f"bearer   {made['access_token']}"}
    assert service.call("GET", "/api/auth/me", headers=bearer).json()["email"] == f"{user}@example.test"
    assert service.call("POST", "/api/auth/logout", headers=bearer).status_code == 200
    refused = service.call("GET", "/api/auth/me", headers=bearer)
    assert (refused.status_code, refused.json()["detail"]) == (401, "Invalid authentication credentials")
    assert service.call("POST", "/api/auth/logout", headers={"Authorization": "Bearer junk"}).status_code == 200
    assert service.call("POST", "/api/auth/logout").json() == {"detail": "Not authenticated"}
    body = {"refresh_token": made["refresh_token"]}
    assert service.call("POST", "/api/auth/refresh", json=body).status_code == 200


def test_a_profile_is_made_from_a_foreign_token_and_changed(service: Service, user: str) -> None:
    assert service.call("GET", "/api/auth/me", user).json()["name"] == user
    changed = service.call("PATCH", "/api/auth/profile", user, json={"name": "New", "emotional_profile": {"a": 1}})
    assert (changed.status_code, changed.json()["name"]) == (200, "New")
    assert service.call("PATCH", "/api/auth/profile", user, json={"learning_preferences": []}).status_code == 422


def test_hashes_have_the_shared_text_form() -> None:
    stored = hash_password("Correct-1é")
    assert stored.startswith("scrypt$16384$8$1$") and is_password("Correct-1é", stored)
    assert not is_password("correct-1é", stored)
    assert not is_password("x", "plain$1$2$3$a$b") and not is_password("x", "nonsense")


@pytest.mark.parametrize(
    ("password", "is_strong"),
    [("Aa1!", True), ("aa1!", False), ("AA1!", False), ("Aaa!", False), ("Aa11", False), ("Ää1中", True)],
)
def test_a_password_needs_four_kinds_of_characters(password: str, is_strong: bool) -> None:
    assert (weakness(password) is None) is is_strong
