"""N-Quads: one canonical text for each term, whatever it was written like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.encoding.rdf import escape, format_nquad, format_nquads, iri_term, literal_term, parse_nquads
from ssi.errors import InvalidInputError

_texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(_texts, st.sampled_from(["", "en", "de-CH", "urn:type"]))
def test_a_literal_is_read_back(text: str, kind: str) -> None:
    term = literal_term(text, datatype=kind) if kind.startswith("urn:") else literal_term(text, language=kind or None)
    line = format_nquad(("_:b", "<urn:p>", term, "<urn:g>"))
    assert line.count("\n") == 1
    assert parse_nquads(line) == [("_:b", "<urn:p>", term, "<urn:g>")]


@given(st.text() | st.text('_:bsp<>"\\u1.@^ \t\n#'))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        quads = parse_nquads(text)
    except InvalidInputError:
        return
    assert parse_nquads(format_nquads(quads)) == quads


def test_canonical_escapes() -> None:
    """RDFC-1.0, appendix A: seven short escapes; other controls, DEL and what is no character by number."""
    assert escape('\b\t\n\f\r"\\') == '\\b\\t\\n\\f\\r\\"\\\\'
    assert escape("\0\x07\x0b\x0e\x1f\x7f\ufffe\uffff") == "\\u0000\\u0007\\u000B\\u000E\\u001F\\u007F\\uFFFE\\uFFFF"
    assert escape("'\x80\xa0\u2028\ufffd\U0001fffe\U0010ffff") == "'\x80\xa0\u2028\ufffd\U0001fffe\U0010ffff"


def test_escapes_are_read() -> None:
    line = r"""<urn:\u00E9> <urn:p>"\u0041\U0001F600\t\'"^^<http://www.w3.org/2001/XMLSchema#string>_:g.# end"""
    assert parse_nquads(line) == [("<urn:é>", "<urn:p>", '"A😀\\t\'"', "_:g")]
    assert parse_nquads("# nothing\n\r\n \t# more\n") == []


@pytest.mark.parametrize(
    "line",
    [
        "<urn:s> <urn:p> <urn:o>",
        '"s" <urn:p> <urn:o> .',
        "<urn:s> _:p <urn:o> .",
        "<urn:s> <urn:p> <urn:o> <urn:g> <urn:h> .",
        '<urn:s> <urn:p> <urn:o> "g" .',
        "<s> <urn:p> <urn:o> .",
        "<urn:s> <urn:p> <urn:\\u0020> .",
        "<urn:s> <urn:p> <urn:\\u003E> .",
        "<urn:s> <urn:p> <urn:o o> .",
        '<urn:s> <urn:p> "\\uD800" .',
        '<urn:s> <urn:p> "\\U00110000" .',
        '<urn:s> <urn:p> "\\x" .',
        '<urn:s> <urn:p> "o"@ .',
        '<urn:s> <urn:p> "o"^^<string> .',
        "<urn:s> <urn:p> _:a. <urn:g> .",
        "<urn:s> <urn:p> _:-a .",
    ],
)
def test_malformed(line: str) -> None:
    with pytest.raises(InvalidInputError, match="line 2"):
        parse_nquads(f"<urn:s> <urn:p> <urn:o> .\n{line}\n")


@pytest.mark.parametrize(
    "iri", ["", "relative", "/path", "urn:a b", "urn:<", 'urn:"', "urn:\\", "urn:\x00", "urn:\ud800", "1a:b"]
)
def test_what_is_no_iri(iri: str) -> None:
    with pytest.raises(InvalidInputError):
        iri_term(iri)


def test_what_is_no_literal() -> None:
    for arguments in ({"language": ""}, {"language": "en us"}, {"language": "en-"}, {"datatype": "x"}):
        with pytest.raises(InvalidInputError):
            literal_term("text", **arguments)
    with pytest.raises(InvalidInputError):
        literal_term("\udc00")
