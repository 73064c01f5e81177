"""Control arm of the tutoring platform (wire contract 1.0.0)."""

VERSION = "1.0.0"
CONTRACT_VERSION = "1.0.0"
ARM = "legacy"
