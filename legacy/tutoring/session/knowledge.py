"""Reading a folder's knowledge-base text (contract services.md §8)."""

from typing import Any

from ..text import is_blank, trim

_HEADINGS = frozenset({"KEY CONCEPTS:", "CONCEPT DETAILS:", "KEY TERMS GLOSSARY:", "FILES:", "FILE METADATA:"})
_SUMMARY = "--- Session summary "


def analysis_of(text: str, vector_store_id: str | None) -> dict[str, Any]:
    """An AnalysisResult whose text is the whole knowledge base."""
    sections = _sections(text)
    concepts = [_without_bullet(trim(line)) for line in sections.get("KEY CONCEPTS:", []) if not is_blank(line)]
    terms = (line.split(":", 1) for line in sections.get("KEY TERMS GLOSSARY:", []) if ":" in line)
    return {
        "analysis_text": text,
        "key_concepts": concepts,
        "key_terms": {trim(name): trim(value) for name, value in terms},
        "file_names": [trim(line) for line in sections.get("FILES:", []) if not is_blank(line)],
        "vector_store_id": vector_store_id or "",
    }


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        heading = trim(line)
        if heading in _HEADINGS or heading.startswith(_SUMMARY):
            current = sections.setdefault(heading, []) if heading not in sections else []
        else:
            current.append(line)
    return sections


def _without_bullet(line: str) -> str:
    return line[2:] if line.startswith(("- ", "* ")) else line
