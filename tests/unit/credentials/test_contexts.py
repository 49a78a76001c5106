"""What the data model checks without JSON-LD processing is what the bundled base context defines."""

from __future__ import annotations

from ssi.credentials import contexts
from ssi.credentials.editions import editions
from ssi.encoding.jsonld import BUNDLED, recorded_digests

BASE = BUNDLED.document(contexts.VC_V2_CONTEXT)["@context"]


def terms(context: dict[str, object]) -> set[str]:
    return {name for name in context if not name.startswith("@")}


def test_the_terms_of_the_base_context_are_one_list() -> None:
    assert terms(BASE) == contexts.BASE_TERMS
    assert {name for name in terms(BASE) if name[0].isupper()} == contexts.BASE_TYPES
    assert BASE["@protected"] is True


def test_the_members_of_a_credential_are_one_list() -> None:
    scoped = terms(BASE["VerifiableCredential"]["@context"])
    assert scoped | terms(BASE) | {"@context"} == contexts.BASE_CREDENTIAL_MEMBERS


def test_an_allow_list_may_stand_where_urls_are_asked_for() -> None:
    document = [contexts.VC_V2_CONTEXT, "https://w3id.org/citizenship/v4rc1"]
    assert contexts.check_contexts(document, BUNDLED).everything
    assert len(BUNDLED) == len(set(BUNDLED)) == 18


def test_the_digests_that_are_recorded_are_those_of_editions() -> None:
    for url, digests in editions().items():
        assert {bytes.fromhex(digest) for digest in recorded_digests(url)} <= digests["sha256"], url
