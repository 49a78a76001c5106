"""Texts in several languages: read them, and choose the one that a reader understands best.

Source:  W3C Verifiable Credentials Data Model v2.0, sections 4.6 (names and descriptions) and 11.1 (language and base
         direction); RFC 4647, sections 3.3.1 (basic filtering) and 3.4 (lookup); JSON-LD 1.1, 4.2.4.
Input:   a ``name`` or ``description`` that ``check_text`` accepted, and a reader's languages, the best first.
Shapes:  languages are BCP 47 tags; a direction is ``ltr`` or ``rtl``, None where nothing is said.
I/O:     none.
Errors:  none: a text that is there is always chosen, if need be in a language that was not asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from ssi.types import JsonObject, JsonValue

Direction: TypeAlias = Literal["ltr", "rtl"]


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text, in which language, and in which direction it is to be shown."""

    value: str
    language: str | None = None
    direction: Direction | None = None

    def __str__(self) -> str:
        return self.value


def read_texts(value: JsonValue, context: JsonValue = None) -> tuple[Text, ...]:
    """Return the texts in ``value``; what is no text is left out.

    ``context`` is the document's ``@context``: the language and direction that an object in it sets are those of a
    plain string.
    """
    if isinstance(value, str):
        language, direction = _defaults(context)
        return (Text(value, language, direction),)
    items = value if isinstance(value, list) else [value]
    return tuple(_read(item) for item in items if isinstance(item, dict) and isinstance(item.get("@value"), str))


def choose_text(texts: Sequence[Text], languages: Sequence[str]) -> Text | None:
    """Return the text for a reader of ``languages``, or None if there are no texts.

    For each language in turn: the text of just this language, of a wider one (``de`` for ``de-CH``), of a narrower one
    (``de-AT`` for ``de``). Then a text that names no language, then the first.
    """
    tags = [None if text.language is None else text.language.lower() for text in texts]
    for language in languages:
        wanted = language.lower()
        for wider in _wider(wanted):
            if wider in tags:
                return texts[tags.index(wider)]
        for text, tag in zip(texts, tags, strict=True):
            if tag is not None and tag.startswith(f"{wanted}-"):
                return text
    if None in tags:
        return texts[tags.index(None)]
    return texts[0] if texts else None


def _read(item: JsonObject) -> Text:
    language, direction = item.get("@language"), item.get("@direction")
    return Text(
        item["@value"],
        language if isinstance(language, str) else None,
        direction if direction in ("ltr", "rtl") else None,
    )


def _defaults(context: JsonValue) -> tuple[str | None, Direction | None]:
    language: str | None = None
    direction: Direction | None = None
    for item in context if isinstance(context, list) else [context]:
        if isinstance(item, dict):
            if "@language" in item:
                language = item["@language"] if isinstance(item["@language"], str) else None
            if "@direction" in item:
                direction = item["@direction"] if item["@direction"] in ("ltr", "rtl") else None
    return language, direction


def _wider(language: str) -> list[str]:
    """Return ``language`` and what it is shortened to, as RFC 4647 3.4 has it: no single letter stays at the end."""
    parts = language.split("-")
    found = []
    while parts:
        found.append("-".join(parts))
        parts.pop()
        while len(parts) > 1 and len(parts[-1]) == 1:
            parts.pop()
    return found
