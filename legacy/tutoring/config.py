"""The environment of an arm (contract README §5), checked at once and as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .text import ascii_lower, trim


class ConfigurationError(Exception):
    """A wrong environment; the text names every problem."""


@dataclass(frozen=True)
class Settings:
    host: str
    port: int
    data_dir: Path
    database_url: str | None
    jwt_secret: str
    jwt_jwks_url: str | None
    jwt_issuer: str | None
    jwt_audience: str | None
    access_minutes: int
    refresh_days: int
    openai_base_url: str
    openai_api_key: str
    openai_model: str
    model_timeout_ms: int
    model_retry_pause_ms: int
    service_token: str | None
    instructor_emails: frozenset[str]
    cors_origins: frozenset[str]
    is_shadow: bool
    faults: str
    fault_seed: str
    allow_fault_headers: bool

    @property
    def issues_tokens(self) -> bool:
        return self.jwt_jwks_url is None


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    def text(self, name: str) -> str | None:
        value = self._environment.get(name, "")
        return value if trim(value) else None

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            self.problems.append(f"{name} must be a whole number from {low} to {high}")
            return default
        return int(value)

    def flag(self, name: str) -> bool:
        value = self.text(name)
        if value not in (None, "0", "1"):
            self.problems.append(f"{name} must be 0 or 1")
        return value == "1"

    def url(self, name: str, schemes: tuple[str, ...]) -> str | None:
        value = self.text(name)
        if value is not None and (urlsplit(value).scheme not in schemes or not urlsplit(value).netloc):
            self.problems.append(f"{name} must be a URL starting with {' or '.join(f'{each}://' for each in schemes)}")
        return value

    def items(self, name: str, default: str = "") -> list[str]:
        return [trim(item) for item in (self.text(name) or default).split(",") if trim(item)]

    def secret(self, is_needed: bool) -> str:
        value = self._environment.get("JWT_SECRET_KEY", "")
        if is_needed and len(value.encode()) < 32:
            self.problems.append("JWT_SECRET_KEY must be set and hold at least 32 bytes (or set JWT_JWKS_URL)")
        return value


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises ConfigurationError with all problems in one sentence."""
    read = _Reader(environment)
    jwks = read.url("JWT_JWKS_URL", ("http", "https"))
    settings = Settings(
        host=read.text("HOST") or "127.0.0.1",
        port=read.number("PORT", 8001, 0, 65535),
        data_dir=Path(read.text("DATA_DIR") or "./data"),
        database_url=read.url("DATABASE_URL", ("postgresql", "postgres")),
        jwt_secret=read.secret(is_needed=jwks is None),
        jwt_jwks_url=jwks,
        jwt_issuer=read.text("JWT_ISSUER"),
        jwt_audience=read.text("JWT_AUDIENCE"),
        access_minutes=read.number("ACCESS_TOKEN_EXPIRE_MINUTES", 30, 1, 525_600),
        refresh_days=read.number("REFRESH_TOKEN_EXPIRE_DAYS", 7, 1, 3_650),
        openai_base_url=(read.url("OPENAI_BASE_URL", ("http", "https")) or "http://127.0.0.1:8003/v1").rstrip("/"),
        openai_api_key=read.text("OPENAI_API_KEY") or "local",
        openai_model=read.text("OPENAI_MODEL") or "gpt-4.1-2025-04-14",
        model_timeout_ms=read.number("MODEL_TIMEOUT_MS", 60_000, 1, 3_600_000),
        model_retry_pause_ms=read.number("MODEL_RETRY_PAUSE_MS", 1_000, 0, 600_000),
        service_token=read.text("SERVICE_TOKEN"),
        instructor_emails=frozenset(map(ascii_lower, read.items("INSTRUCTOR_EMAILS"))),
        cors_origins=frozenset(read.items("CORS_ORIGINS", "http://localhost:3000,http://127.0.0.1:3000")),
        is_shadow=read.flag("SHADOW_INSTANCE"),
        faults=environment.get("FAULTS", ""),
        fault_seed=read.text("FAULT_SEED") or "0",
        allow_fault_headers=read.flag("ALLOW_FAULT_HEADERS"),
    )
    if read.problems:
        raise ConfigurationError("; ".join(read.problems))
    return settings
