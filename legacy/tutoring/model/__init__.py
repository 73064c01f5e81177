"""The language model: requests, retries, reading replies, prompts (contract services.md §§1-2)."""
