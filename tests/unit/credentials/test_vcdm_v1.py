"""Data model 1.1 is read where the caller lists its base context, with its own dates and required members."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.credentials.contexts import VC_V1_CONTEXT, VC_V2_CONTEXT
from ssi.credentials.presentation import parse_presentation
from ssi.credentials.vcdm import check_validity, parse_credential
from ssi.credentials.vcdm_v1 import is_v1, parse_any_credential, parse_credential_v1
from ssi.errors import InvalidInputError, ValidityError

V1 = {VC_V1_CONTEXT, "https://www.w3.org/2018/credentials/examples/v1"}
# The members of example 1 of the specification, with our own values.
CREDENTIAL: dict[str, Any] = {
    "@context": [VC_V1_CONTEXT, "https://www.w3.org/2018/credentials/examples/v1"],
    "id": "https://university.example/credentials/3732",
    "type": ["VerifiableCredential", "UniversityDegreeCredential"],
    "issuer": "https://university.example/issuers/565049",
    "issuanceDate": "2020-01-01T00:00:00Z",
    "expirationDate": "2021-01-01T00:00:00.5Z",
    "credentialSubject": {"id": "did:example:a", "degree": {"type": "BachelorDegree"}},
    "credentialStatus": {"id": "https://university.example/status/24", "type": "CredentialStatusList2017"},
}


def test_its_dates_are_the_validity_period() -> None:
    read = parse_any_credential(CREDENTIAL, contexts=V1)
    assert is_v1(CREDENTIAL)
    assert (read.valid_from, read.valid_until) == (1_577_836_800, 1_609_459_200)
    assert read.types == ("VerifiableCredential", "UniversityDegreeCredential")
    assert read.status == (CREDENTIAL["credentialStatus"],)
    check_validity(read, now=1_600_000_000)
    for now in (1_577_836_799, 1_609_459_201):
        with pytest.raises(ValidityError):
            check_validity(read, now=now)


def test_it_is_read_only_where_it_is_asked_for() -> None:
    with pytest.raises(InvalidInputError, match=r"2\.0, got one of 1\.1"):
        parse_any_credential(CREDENTIAL, contexts=V1 - {VC_V1_CONTEXT})
    with pytest.raises(InvalidInputError, match=r"2\.0, got one of 1\.1"):
        parse_credential(CREDENTIAL, contexts=V1)
    assert not is_v1({"@context": [VC_V2_CONTEXT]})
    assert not is_v1([])


@pytest.mark.parametrize(
    "changed",
    [
        {"issuanceDate": None},
        {"issuanceDate": "2020-01-01"},
        {"expirationDate": "2019-01-01T00:00:00Z"},
        {"issuer": "university"},
        {"credentialSubject": {}},
        {"credentialSubject": "did:example:a"},
        {"credentialStatus": {"type": "CredentialStatusList2017"}},
        {"credentialStatus": {"id": "https://university.example/status/24"}},
        {"credentialSchema": {"type": "JsonSchemaValidator2018"}},
        {"refreshService": {"type": "ManualRefreshService2018"}},
        {"evidence": [{"id": "https://a.example"}]},
        {"termsOfUse": {}},
        {"proof": {}},
        {"id": "3732"},
        {"type": "UniversityDegreeCredential"},
        {"@context": VC_V1_CONTEXT},
        {"@context": [VC_V1_CONTEXT, "https://unknown.example/v1"]},
        {"@context": [VC_V1_CONTEXT, {"issuer": "https://a.example/issuer", "proof": "https://a.example/proof"}]},
    ],
)
def test_what_it_asks_for_is_asked_for(changed: dict[str, Any]) -> None:
    document = {**CREDENTIAL, **changed}
    if changed == {"issuanceDate": None}:
        del document["issuanceDate"]
    with pytest.raises(InvalidInputError):
        parse_credential_v1(document, contexts=V1, inline_contexts=True)


def test_a_period_said_twice_is_the_narrower_one() -> None:
    both = {**CREDENTIAL, "validFrom": "2020-06-01T00:00:00Z", "validUntil": "2020-07-01T00:00:00Z"}
    read = parse_credential_v1(both, contexts=V1)
    assert (read.valid_from, read.valid_until) == (1_590_969_600, 1_593_561_600)


def test_a_presentation_of_either_model_carries_it() -> None:
    for base in (VC_V1_CONTEXT, VC_V2_CONTEXT):
        presentation = {
            "@context": [base],
            "type": ["VerifiablePresentation"],
            "verifiableCredential": [{**CREDENTIAL, "proof": {"type": "Ed25519Signature2020"}}],
        }
        read = parse_presentation(presentation, contexts=V1)
        assert read.credentials[0].raw["issuanceDate"] == "2020-01-01T00:00:00Z"  # type: ignore[union-attr]
    with pytest.raises(InvalidInputError):
        parse_presentation({**presentation, "@context": [VC_V1_CONTEXT]}, contexts=V1 - {VC_V1_CONTEXT})
