"""Accept headers are wishes, read in the order of their weight."""

from __future__ import annotations

import pytest

from ssi.errors import InvalidInputError
from ssi.protocols.http import HttpRequest, media_type, parse_accept


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("", []),
        ("a/b", ["a/b"]),
        ("a/b;q=0.2, C/D;q=0.9;x=1, e/f", ["e/f", "c/d;x=1", "a/b"]),
        ("a/b;q=0, c/d;q=nonsense", ["c/d"]),
        (",;,", []),
    ],
)
def test_accept(value: str, items: list[str]) -> None:
    assert list(parse_accept(value)) == items


def test_a_body_is_an_object_of_its_media_type() -> None:
    assert media_type("Application/JSON; charset=utf-8") == "application/json"
    headers = {"content-type": "application/json"}
    assert HttpRequest("POST", "/", headers=headers, body=b'{"a": 1}').json_object() == {"a": 1}
    for request in (
        HttpRequest("POST", "/", headers=headers, body=b"[]"),
        HttpRequest("POST", "/", headers=headers, body=b'{"a": 1, "a": 2}'),
        HttpRequest("POST", "/", headers={"content-type": "text/plain"}, body=b"{}"),
        HttpRequest("POST", "/", body=b"{}"),
    ):
        with pytest.raises(InvalidInputError):
            request.json_object()
