"""Texts in several languages, and the members that nobody checks."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.credentials.about import about
from ssi.credentials.texts import Text, choose_text, read_texts
from ssi.credentials.vcdm import parse_credential

V2 = "https://www.w3.org/ns/credentials/v2"
# W3C VCDM 2.0, example 8 and 11.1: names in English, French and Arabic.
NAMES = [
    {"@value": "Example University", "@language": "en"},
    {"@value": "Université Exemple", "@language": "fr"},
    {"@value": "جامعة المثال", "@language": "ar", "@direction": "rtl"},
]


@pytest.mark.parametrize(
    ("languages", "chosen"),
    [
        (("fr",), "fr"),
        (("FR-ca", "en"), "fr"),  # lookup: wider, in any case of letters
        (("fi", "ar"), "ar"),
        (("sv", "fi"), "en"),  # none is asked for: the first
        ((), "en"),
        (("en-a-bbb-x-a",), "en"),  # RFC 4647 3.4: single letters go with what follows them
    ],
)
def test_the_reader_s_language_is_chosen(languages: tuple[str, ...], chosen: str) -> None:
    text = choose_text(read_texts(NAMES), languages)
    assert text is not None
    assert text.language == chosen
    assert text.direction == ("rtl" if chosen == "ar" else None)


def test_a_narrower_language_and_a_text_without_one() -> None:
    texts = (Text("Colour", "en-GB"), Text("plain"), Text("Väri", "fi"))
    assert str(choose_text(texts, ["en"])) == "Colour"
    assert str(choose_text(texts, ["e"])) == "plain"
    assert str(choose_text(texts, ["en-US"])) == "plain"
    assert choose_text((), ["en"]) is None


@pytest.mark.parametrize(
    ("context", "language", "direction"),
    [
        ([V2], None, None),
        ([V2, {"@language": "ar", "@direction": "rtl"}], "ar", "rtl"),
        ([V2, {"@language": "ar"}, {"@language": None}], None, None),
        ([V2, {"@language": 5, "@direction": "up"}], None, None),
    ],
)
def test_a_plain_text_has_the_language_of_its_document(context: Any, language: str, direction: Any) -> None:
    assert read_texts("x", context) == (Text("x", language, direction),)


def test_what_a_credential_says_beside_its_claims() -> None:
    raw = {
        "@context": [V2],
        "type": ["VerifiableCredential"],
        "issuer": {"id": "did:example:1", "name": NAMES, "description": "A school"},
        "name": NAMES[1],
        "credentialSubject": {"id": "did:example:2"},
        "termsOfUse": {"type": "TrustFrameworkPolicy", "id": "https://example.org/terms"},
        "evidence": [{"type": "DocumentCheck"}, {"type": "Interview"}],
        "refreshService": {"type": "Refresh", "id": "https://example.org/refresh"},
        "renderMethod": {"type": "SvgRenderingTemplate2023", "id": "https://example.org/x.svg"},
        "confidenceMethod": {"type": "Face", "id": "urn:example:1"},
    }
    found = about(parse_credential(raw, contexts=()))
    assert [text.language for text in found.issuer_name] == ["en", "fr", "ar"]
    assert found.issuer_name[2].direction == "rtl"
    assert found.issuer_description == (Text("A school"),)
    assert found.name == (Text("Université Exemple", "fr"),)
    assert found.description == ()
    unchecked = found.unchecked
    assert unchecked.members == ("termsOfUse", "evidence", "refreshService", "renderMethod", "confidenceMethod")
    assert [item["type"] for item in unchecked.evidence] == ["DocumentCheck", "Interview"]
    assert unchecked.refresh_service[0]["id"] == "https://example.org/refresh"
    assert about(parse_credential({**raw, "termsOfUse": raw["evidence"]}, contexts=())).unchecked.terms_of_use[1]
