"""What every key store must do; a backend supplies only the ``kms`` fixture."""

from __future__ import annotations

import pytest

from ssi.errors import ConflictError, InvalidInputError, InvalidSignatureError, KeyNotFoundError, ProofPurposeError
from ssi.keys import BbsKms, Curve, KeyInfo, KeyPurpose, Kms
from ssi.keys.bbs import MAX_MESSAGES, verify
from ssi.keys.bbs.blind import blind_verify, commit_to
from ssi.keys.curves import JOSE_CURVES

CREDENTIAL, LIST = KeyPurpose.CREDENTIAL, KeyPurpose.LIST


class KmsContract:
    """The key store port."""

    @pytest.mark.parametrize("curve", JOSE_CURVES)
    async def test_signs_with_every_curve(self, kms: Kms, curve: Curve) -> None:
        public = await kms.generate("issuer", curve=curve, purpose=CREDENTIAL)
        assert await kms.public_key("issuer") == public
        assert await kms.find("issuer") == KeyInfo("issuer", CREDENTIAL, curve, exportable=False)
        public.verify(await kms.sign("issuer", b"one", purpose=CREDENTIAL), b"one")
        messages = [b"", b"two", b"x" * 10_000]
        for signature, message in zip(
            await kms.sign_many("issuer", messages, purpose=CREDENTIAL), messages, strict=True
        ):
            public.verify(signature, message)
            with pytest.raises(InvalidSignatureError):
                public.verify(signature, message + b"!")

    async def test_bbs_signatures_or_a_refusal(self, kms: Kms) -> None:
        curve = Curve.BLS12_381_G2
        try:
            public = await kms.generate("bbs", curve=curve, purpose=CREDENTIAL)
        except InvalidInputError:
            assert list(await kms.labels()) == []
            return
        assert isinstance(kms, BbsKms)
        assert await kms.public_key("bbs") == public
        assert await kms.find("bbs") == KeyInfo("bbs", CREDENTIAL, curve, exportable=False)
        messages = [b"one", b"two"]
        signature = await kms.bbs_sign("bbs", header=b"h", messages=messages, purpose=CREDENTIAL)
        verify(public.to_raw(), signature, messages, header=b"h")
        made = commit_to([b"secret"])
        signature = await kms.bbs_sign(
            "bbs", header=b"h", messages=messages, purpose=CREDENTIAL, commitment=made.commitment_with_proof
        )
        blind_verify(public.to_raw(), signature, messages, [b"secret"], made.secret_prover_blind, header=b"h")
        with pytest.raises(ProofPurposeError):
            await kms.bbs_sign("bbs", header=b"h", messages=messages, purpose=LIST)
        with pytest.raises(ProofPurposeError):
            await kms.sign("bbs", b"one", purpose=CREDENTIAL)
        with pytest.raises(InvalidInputError):
            await kms.bbs_sign("bbs", header=b"h", messages=[b""] * (MAX_MESSAGES + 1), purpose=CREDENTIAL)
        await kms.generate("issuer", curve=Curve.P256, purpose=CREDENTIAL)
        with pytest.raises(ProofPurposeError):
            await kms.bbs_sign("issuer", header=b"h", messages=messages, purpose=CREDENTIAL)

    async def test_a_label_is_given_once(self, kms: Kms) -> None:
        first = await kms.generate("issuer", curve=Curve.P256, purpose=CREDENTIAL)
        with pytest.raises(ConflictError):
            await kms.generate("issuer", curve=Curve.ED25519, purpose=LIST)
        assert await kms.public_key("issuer") == first

    async def test_a_key_has_one_purpose(self, kms: Kms) -> None:
        await kms.generate("issuer", curve=Curve.P256, purpose=CREDENTIAL)
        for purpose in set(KeyPurpose) - {CREDENTIAL}:
            with pytest.raises(ProofPurposeError):
                await kms.sign("issuer", b"m", purpose=purpose)
            with pytest.raises(ProofPurposeError):
                await kms.sign_many("issuer", [b"m"], purpose=purpose)
            with pytest.raises(ProofPurposeError):
                await kms.relabel("issuer", "other", purpose=purpose)
        assert list(await kms.labels()) == ["issuer"]

    async def test_labels_are_found_by_purpose(self, kms: Kms) -> None:
        for label, purpose in [("b", LIST), ("a", CREDENTIAL), ("c", LIST)]:
            await kms.generate(label, curve=Curve.P256, purpose=purpose)
        assert list(await kms.labels()) == ["a", "b", "c"]
        assert list(await kms.labels(LIST)) == ["b", "c"]

    async def test_only_a_next_key_becomes_an_update_key(self, kms: Kms) -> None:
        public = await kms.generate("next", curve=Curve.ED25519, purpose=KeyPurpose.DID_NEXT)
        await kms.generate("taken", curve=Curve.ED25519, purpose=LIST)
        with pytest.raises(ConflictError):
            await kms.relabel("next", "taken", purpose=KeyPurpose.DID_UPDATE)
        with pytest.raises(ProofPurposeError):
            await kms.sign("next", b"m", purpose=KeyPurpose.DID_UPDATE)
        await kms.relabel("next", "update", purpose=KeyPurpose.DID_UPDATE)
        public.verify(await kms.sign("update", b"m", purpose=KeyPurpose.DID_UPDATE), b"m")
        with pytest.raises(KeyNotFoundError):
            await kms.public_key("next")
        with pytest.raises(ProofPurposeError):
            await kms.relabel("update", "next", purpose=KeyPurpose.DID_NEXT)
        await kms.relabel("update", "renamed", purpose=KeyPurpose.DID_UPDATE)
        assert await kms.public_key("renamed") == public

    async def test_only_an_exportable_key_leaves(self, kms: Kms) -> None:
        await kms.generate("kept", curve=Curve.P256, purpose=CREDENTIAL)
        public = await kms.generate("moves", curve=Curve.P256, purpose=CREDENTIAL, exportable=True)
        with pytest.raises(ProofPurposeError):
            await kms.export("kept")
        assert (await kms.export("moves")).public_key == public

    async def test_what_is_not_there_is_not_found(self, kms: Kms) -> None:
        await kms.generate("gone", curve=Curve.P256, purpose=CREDENTIAL)
        await kms.delete("gone")
        for attempt in (
            kms.find("gone"),
            kms.public_key("gone"),
            kms.sign("gone", b"m", purpose=CREDENTIAL),
            kms.sign_many("gone", [b"m"], purpose=CREDENTIAL),
            kms.export("gone"),
            kms.relabel("gone", "back", purpose=CREDENTIAL),
            kms.delete("gone"),
        ):
            with pytest.raises(KeyNotFoundError):
                await attempt
        assert list(await kms.labels()) == []
