"""RFC 3161 time stamps over evidence, made by OpenSSL's own authority."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec.structs import replace

from ssi.errors import InvalidInputError, VerificationError
from ssi.testing import TestWorld
from tests import needs
from tests.flows.evidence_world import anchors_of, kept
from verifier.evidence import MANIFEST, TIMESTAMP, Evidence

needs.module("rfc3161_client")
needs.programs("openssl")

CONFIG = """
[tsa]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
ess_cert_id_chain = no
"""


class Authority:
    """A time stamping authority: its root, and how it answers."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = _certificate("root", root_key, "root", root_key, None)
        signer = _certificate("tsa", key, "root", root_key, ExtendedKeyUsageOID.TIME_STAMPING)
        self.root = root.public_bytes(serialization.Encoding.PEM)
        (folder / "root.pem").write_bytes(self.root)
        (folder / "tsa.pem").write_bytes(signer.public_bytes(serialization.Encoding.PEM))
        (folder / "tsa.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIG)

    def stamp(self, request: bytes, *, bare: bool = False) -> bytes:
        """Return the response, or the bare token."""
        (self.folder / "request.tsq").write_bytes(request)
        command = "openssl ts -reply -config tsa.cnf -section tsa -queryfile request.tsq -out response.tsr"
        arguments = [*command.split(), "-signer", "tsa.pem", "-inkey", "tsa.key", *(["-token_out"] if bare else [])]
        subprocess.run(arguments, cwd=self.folder, check=True, capture_output=True, timeout=60)
        return (self.folder / "response.tsr").read_bytes()


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    purpose: x509.ObjectIdentifier | None,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=purpose is None, path_length=None), critical=True)
    )
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "authority")


@pytest.fixture
async def world() -> TestWorld:
    return await TestWorld.open()


@pytest.mark.parametrize("bare", [False, True])
async def test_a_time_stamp_bounds_the_time(world: TestWorld, authority: Authority, bare: bool) -> None:
    evidence = (await kept(world)).evidence(keep="P10Y")
    before = int(datetime.datetime.now(datetime.UTC).timestamp())
    stamped = evidence.with_timestamp(authority.stamp(evidence.timestamp_request(), bare=bare))
    read = Evidence.parse(stamped.to_bytes())
    anchors = await anchors_of(world)
    found = await read.recheck(anchors=replace(anchors, timestamp_roots=(authority.root,)))
    assert found.stamped_at is not None
    assert before - 1 <= found.stamped_at <= before + 60
    unseen = await read.recheck(anchors=anchors)
    assert unseen.stamped_at is None
    assert any("was not looked at" in note for note in unseen.notes)
    assert TIMESTAMP not in stamped.keep("P1Y").members  # it was over the other date


async def test_other_authorities_and_other_evidence(world: TestWorld, authority: Authority, tmp_path: Path) -> None:
    evidence, other = (await kept(world)).evidence(), (await kept(world)).evidence()
    response = authority.stamp(evidence.timestamp_request())
    with pytest.raises(VerificationError, match="something else"):
        other.with_timestamp(response)
    stamped = evidence.with_timestamp(response)
    anchors = await anchors_of(world)
    stranger = Authority(tmp_path / "stranger")
    with pytest.raises(VerificationError, match="given roots"):
        await stamped.recheck(anchors=replace(anchors, timestamp_roots=(stranger.root,)))
    with pytest.raises(InvalidInputError, match="PEM"):
        await stamped.recheck(anchors=replace(anchors, timestamp_roots=(b"no certificate",)))
    swapped = Evidence({**other.members, TIMESTAMP: stamped.members[TIMESTAMP]}, other.manifest)
    with pytest.raises(VerificationError, match="something else"):
        await Evidence.parse(swapped.to_bytes()).recheck(anchors=replace(anchors, timestamp_roots=(authority.root,)))


async def test_every_byte_of_a_time_stamp(world: TestWorld, authority: Authority) -> None:
    from verifier.timestamp import read_timestamp, verify_timestamp

    evidence = (await kept(world)).evidence()
    message = evidence.members[MANIFEST]
    response = authority.stamp(evidence.timestamp_request())
    stamped_at = verify_timestamp(response, message, roots=[authority.root])
    for position in range(0, len(response), 3):
        changed = bytearray(response)
        changed[position] ^= 1 << position % 8
        try:
            found = verify_timestamp(bytes(changed), message, roots=[authority.root])
        except (InvalidInputError, VerificationError):
            continue
        assert found == stamped_at
    for rubbish in (b"", b"\x30\x00", response[:-1], response[:40], bytes(99), b"\x30" * 70_000):
        with pytest.raises((InvalidInputError, VerificationError)):
            read_timestamp(rubbish, message)
