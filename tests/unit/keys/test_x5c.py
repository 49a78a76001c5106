"""JWS under a certificate chain: only a path to a given anchor counts."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from ssi.errors import InvalidInputError, InvalidSignatureError, UntrustedIssuerError, ValidityError
from ssi.keys import PrivateKey
from ssi.keys.jws import build_jws, parse_jws, signing_input
from ssi.keys.x5c import verify_x5c
from ssi.types import JsonObject

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = int((START + timedelta(days=10)).timestamp())
TYP = {"dc+sd-jwt"}


class Authority:
    """A certificate with its key."""

    def __init__(
        self,
        name: str,
        issuer: Authority | None = None,
        *,
        ca: bool = True,
        days: int = 365,
        path_length: int | None = None,
        signs: bool = True,
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
        signer = issuer or self
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
        )
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(signer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(START)
            .not_valid_after(START + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=signs,
                    key_cert_sign=ca,
                    encipher_only=False,
                    decipher_only=False,
                    **usage,
                ),
                critical=True,
            )
            .sign(signer.key, hashes.SHA256())
        )

    @property
    def der(self) -> str:
        return b64encode(self.certificate.public_bytes(Encoding.DER)).decode()


ROOT = Authority("root")
MIDDLE = Authority("middle", ROOT)
LEAF = Authority("leaf", MIDDLE, ca=False)


def jws(chain: list[Authority], key: Authority | None = None, **header: object) -> str:
    protected: JsonObject = {"alg": "ES256", "typ": "dc+sd-jwt", "x5c": [entry.der for entry in chain], **header}
    message = signing_input(protected, {"vct": "x"})
    return build_jws(message, PrivateKey((key or chain[0]).key).sign(message))


def check(text: str, anchors: list[Authority], now: int = NOW) -> list[str]:
    verified = verify_x5c(parse_jws(text), anchors=[anchor.certificate for anchor in anchors], typ=TYP, now=now)
    return [certificate.subject.rfc4514_string() for certificate in verified.chain]


def test_a_chain_to_an_anchor_verifies() -> None:
    assert check(jws([LEAF, MIDDLE]), [ROOT]) == ["CN=leaf", "CN=middle", "CN=root"]
    assert check(jws([LEAF, MIDDLE, ROOT]), [ROOT]) == ["CN=leaf", "CN=middle", "CN=root"]
    assert check(jws([LEAF]), [MIDDLE]) == ["CN=leaf", "CN=middle"]


@pytest.mark.parametrize(
    "chain",
    [
        [LEAF],
        [Authority("leaf", Authority("middle"), ca=False), MIDDLE],
        [Authority("self", ca=False)],
        [ROOT],
        [MIDDLE],
        [Authority("below a leaf", LEAF, ca=False), LEAF, MIDDLE],
        [Authority("no signatures", MIDDLE, ca=False, signs=False), MIDDLE],
        [LEAF, Authority("stranger"), MIDDLE],
    ],
    ids=["gap", "namesake", "self-signed", "anchor as leaf", "CA as leaf", "leaf as CA", "wrong usage", "detour"],
)
def test_other_chains_are_refused(chain: list[Authority]) -> None:
    with pytest.raises(UntrustedIssuerError):
        check(jws(chain), [ROOT])


def test_path_length_is_kept() -> None:
    root = Authority("short", path_length=0)
    middle = Authority("middle", root)
    leaf = Authority("leaf", middle, ca=False)
    with pytest.raises(UntrustedIssuerError, match="path length"):
        check(jws([leaf, middle]), [root])
    assert check(jws([Authority("direct", root, ca=False)]), [root])


@pytest.mark.parametrize("now", [int(START.timestamp()) - 1, int((START + timedelta(days=366)).timestamp())])
def test_time_outside_the_certificates_is_refused(now: int) -> None:
    with pytest.raises(ValidityError):
        check(jws([LEAF, MIDDLE]), [ROOT], now=now)


def test_the_signature_is_that_of_the_leaf() -> None:
    with pytest.raises(InvalidSignatureError):
        check(jws([LEAF, MIDDLE], key=MIDDLE), [ROOT])


@pytest.mark.parametrize(
    "header",
    [{"x5c": []}, {"x5c": "AA"}, {"x5c": [1]}, {"x5c": ["!"]}, {"x5c": ["AAAA"]}, {"x5c": [LEAF.der] * 9}, {"jwk": {}}],
    ids=repr,
)
def test_other_headers_are_refused(header: JsonObject) -> None:
    with pytest.raises(InvalidInputError):
        check(jws([LEAF, MIDDLE], **header), [ROOT])
