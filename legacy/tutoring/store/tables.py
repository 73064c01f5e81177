"""Tables of contract models.md §8 that this arm fills today. Times are epoch milliseconds."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from .columns import Json, SafeText

metadata = MetaData()

folders = Table(
    "folders",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("user_id", SafeText, nullable=False, index=True),
    Column("name", SafeText, nullable=False),
    Column("vector_store_id", SafeText),
    Column("knowledge_base", SafeText),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("user_id", SafeText, nullable=False),
    Column("folder_id", String(36), index=True),
    Column("context", Json, nullable=False),
    Column("analysis_status", String(16)),
    Column("session_analysis", Json),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("sessions_of_user", "user_id", "created_at", "id"),
)

session_messages = Table(
    "session_messages",
    metadata,
    Column("session_id", String(36), nullable=False),
    Column("turn_no", Integer, nullable=False),
    Column("role", String(16), nullable=False),
    Column("text", SafeText),
    Column("payload_json", Json),
    Column("whiteboard_snapshot_index", Integer),
    Column("client_message_id", String(128)),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("session_id", "turn_no"),
)

whiteboard_snapshots = Table(
    "whiteboard_snapshots",
    metadata,
    Column("session_id", String(36), nullable=False),
    Column("snapshot_index", Integer, nullable=False),
    Column("actions_json", Json, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("session_id", "snapshot_index"),
)

yjs_snapshots = Table(
    "yjs_snapshots",
    metadata,
    Column("session_id", String(36), primary_key=True),
    Column("state", LargeBinary, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

# row_no numbers the rows of one session from 1 and makes their derived ids (contract G4); client_message_id lets a
# repeated frame find the row it already stored (contract tutor-socket.md §6).
interaction_logs = Table(
    "interaction_logs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("session_id", String(36), nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("user_id", SafeText, nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("content", SafeText, nullable=False),
    Column("content_type", String(32), nullable=False),
    Column("event_type", String(32), nullable=False),
    Column("client_message_id", String(128)),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("session_id", "row_no"),
)

concept_events = Table(
    "concept_events",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("session_id", String(36), nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("user_id", SafeText, nullable=False, index=True),
    Column("concept", SafeText, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("delta_mastery", Float, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("session_id", "row_no"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("folder_id", String(36), nullable=False, index=True),
)

embeddings = Table(
    "embeddings",
    metadata,
    Column("document_id", String(36), nullable=False),
    Column("chunk_index", Integer, nullable=False),
    PrimaryKeyConstraint("document_id", "chunk_index"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("session_id", String(36), index=True),
    Column("user_id", SafeText, nullable=False),
    Column("status", String(16), nullable=False),
    Column("progress", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error_code", String(64)),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

processed_messages = Table(
    "processed_messages",
    metadata,
    Column("session_id", String(36), nullable=False),
    Column("client_message_id", String(128), nullable=False),
    Column("frames", Json, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("session_id", "client_message_id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("user_id", SafeText, nullable=False),
    Column("method", String(8), nullable=False),
    Column("path", SafeText, nullable=False),
    Column("key", String(128), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Json),
    Column("created_at", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("user_id", "method", "path", "key"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", SafeText, primary_key=True),
    Column("email", SafeText, unique=True),
    Column("name", SafeText, nullable=False),
    Column("password", String(256)),
    Column("role", String(16), nullable=False),
    Column("subscription_tier", String(16), nullable=False),
    Column("learning_preferences", Json, nullable=False),
    Column("emotional_profile", Json, nullable=False),
    Column("ability", Float, nullable=False),
    Column("failed_logins", Integer, nullable=False),
    Column("locked_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("last_active", BigInteger, nullable=False),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("jti", SafeText, primary_key=True),
    Column("user_id", SafeText, nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

# The bookkeeping of the change feed (contract rest.md §7): one row for each live row of a kind and for each tombstone,
# renumbered by every write. `at` is what the feed says; `entered_at`, by the true clock, is when this arm took it in:
# a change of the other arm may be older than the feed keeps things and is still new here.
changes = Table(
    "changes",
    metadata,
    Column("kind", String(32), nullable=False),
    Column("key", SafeText, nullable=False),
    Column("seq", BigInteger, nullable=False, unique=True),
    Column("user_id", SafeText, nullable=False),
    Column("op", String(8), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("entered_at", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("kind", "key"),
    Index("changes_of_user", "user_id", "seq"),
    Index("tombstones", "seq", sqlite_where=text("op = 'delete'"), postgresql_where=text("op = 'delete'")),
)

# One row: the last number given, and the largest number whose change may be gone.
feed = Table(
    "feed",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("horizon", BigInteger, nullable=False),
)
