"""Broken proofs of credentials and presentations, under a suite that hashes JSON and one that hashes a graph.

Source:  W3C VC Data Integrity 1.0, sections 2.1 (proofs, sets and chains), 4.4 and 4.5 (verifying), 5.x (context
         injection, replay); the ECDSA cryptosuites; Controlled Identifiers 1.0, 2.4 (multibase).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

from ssi.did.methods.key import did_key
from ssi.encoding.multibase import base58btc_encode, base64url_multibase_encode, multibase_decode
from ssi.encoding.timestamps import format_seconds
from ssi.keys import Curve, KeyPurpose
from ssi.proofs.suites import suite_for
from ssi.testing.broken.case import Broken
from ssi.testing.forge import changed, prove_anything
from ssi.testing.holder import TestHolder
from ssi.testing.issuer import SUITES
from ssi.testing.world import CLAIMS, TestWorld
from ssi.types import JsonObject

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_Case = tuple[str, str, str, JsonObject]
_Text = tuple[str, str, str, str]


async def broken_proofs(world: TestWorld) -> AsyncIterator[Broken]:
    """Yield credentials in good presentations, and presentations around good credentials, whose proofs are broken."""
    for suite in SUITES:
        made = _Made(world, suite)
        await made.begin()
        for name, check, why, document in [
            *await made.forged(),
            *made.values(),
            *made.named(),
            *await made.options(),
            *await made.sets(),
            *made.contexts(),
        ]:
            text = await made.shown(document)
            yield Broken(name=f"proof/{name}/{suite}", text=text, why=why, check=check)
        for name, check, why, text in [*await made.presentations(), *await made.texts()]:
            yield Broken(name=f"proof/{name}/{suite}", text=text, why=why, check=check)


class _Made:
    """A good credential of one suite, to be broken in many ways."""

    def __init__(self, world: TestWorld, suite: str) -> None:
        self.world = world
        self.suite = suite
        self.other = next(name for name in SUITES if name != suite)

    async def begin(self) -> None:
        world = self.world
        issued = await world.town.issue(CLAIMS, format="ldp_vc", holder=world.holder.key, cryptosuite=self.suite)
        self.good: JsonObject = json.loads(issued)
        self.key = await world.town.organisation.key(KeyPurpose.CREDENTIAL)
        self.thief = await TestHolder.create(clock=world.clock)
        await self.thief.kms.generate("issuer", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)

    async def shown(self, *documents: JsonObject) -> str:
        return await self.world.holder.proven(
            documents, nonce=self.world.nonce, audience=self.world.audience, cryptosuite=None
        )

    def copy(self, **members: Any) -> JsonObject:
        """Return the credential with members changed, and the proof that it had."""
        return changed(deepcopy(self.good), members)

    def with_proof(self, **members: Any) -> JsonObject:
        """Return the credential with members of its proof changed after it was made."""
        return {**deepcopy(self.good), "proof": changed(self.good["proof"], members)}

    async def signed(self, *, suite: str | None = None, body: JsonObject | None = None, **members: Any) -> JsonObject:
        """Return the credential, or ``body``, with a proof of the town's whose members were changed before."""
        document = deepcopy(self.good) if body is None else body
        document.pop("proof", None)
        proof = await self.proof(document, suite=suite, **members)
        return {**document, "proof": proof}

    async def proof(self, document: JsonObject, *, suite: str | None = None, **members: Any) -> JsonObject:
        bare = {name: value for name, value in self.good["proof"].items() if name not in ("proofValue", "@context")}
        return await prove_anything(
            document,
            changed(bare, members),
            suite=suite_for(suite or self.suite, self.key.public_key),
            kms=self.world.town.organisation.kms,
            label=self.key.label,
        )

    async def forged(self) -> list[_Case]:
        """Whoever signs, it is not the issuer, or not this."""
        subject = self.good["credentialSubject"]
        bare = {name: value for name, value in self.good.items() if name != "proof"}
        kid, did = self.good["proof"]["verificationMethod"], self.good["issuer"]
        thief = await self.thief.kms.public_key("issuer")
        own = did_key(thief)

        async def by_thief(**members: Any) -> JsonObject:
            options = {name: value for name, value in self.good["proof"].items() if name != "proofValue"}
            options.pop("@context", None)
            suite = suite_for(self.suite, thief)
            proof = await prove_anything(
                bare, changed(options, members), suite=suite, kms=self.thief.kms, label="issuer"
            )
            return {**bare, "proof": proof}

        own_kid = f"{own}#{own.removeprefix('did:key:')}"
        return [
            ("key-stranger", "signature", "signed with a key of nobody", await by_thief()),
            ("key-of-another", "issuer", "by somebody whom nobody trusts", await by_thief(verificationMethod=own_kid)),
            (
                "key-in-proof",
                "signature",
                "the key comes from the proof",
                await by_thief(publicKeyMultibase=thief.to_multikey()),
            ),
            ("method-unknown", "signature", "no such key", self.with_proof(verificationMethod=f"{did}#other")),
            ("method-no-fragment", "signature", "a DID is no key", self.with_proof(verificationMethod=did)),
            ("method-query", "signature", "not the name of the key", self.with_proof(verificationMethod=f"{kid}?x=1")),
            ("method-missing", "format", "nobody signed", self.with_proof(verificationMethod=None)),
            ("altered", "signature", "a claim is another", self.copy(credentialSubject={**subject, "given_name": "M"})),
            ("added", "signature", "a claim more", self.copy(credentialSubject={**subject, "role": "mayor"})),
            ("dropped", "signature", "a claim less", self.copy(credentialSubject={"id": subject["id"]})),
            ("member-added", "signature", "a member more", self.copy(name="Certificate")),
            ("status-dropped", "signature", "its status was taken away", self.copy(credentialStatus=None)),
        ]

    def values(self) -> list[_Case]:
        """Values of a proof that stand for no signature, or for the same one in another way of writing."""
        text = self.good["proof"]["proofValue"]
        raw = multibase_decode(text)
        r, s = raw[:32], raw[32:]
        order = _P256_ORDER.to_bytes(32)
        values: dict[str, tuple[Any, str]] = {
            "zero": (base58btc_encode(bytes(64)), "r and s are zero"),
            "order": (base58btc_encode(order * 2), "r and s are the order of the group"),
            "swapped": (base58btc_encode(s + r), "r and s are swapped"),
            "flipped": (base58btc_encode(bytes([raw[0] ^ 1]) + raw[1:]), "one bit is another"),
            "short": (base58btc_encode(raw[:-1]), "a byte is missing"),
            "long": (base58btc_encode(raw + b"\0"), "a byte too many"),
            "leading-one": ("z1" + text[1:], "a leading zero byte in base58"),
            "base64url": (base64url_multibase_encode(raw), "another base than the suite's"),
            "upper-z": ("Z" + text[1:], "the wrong letter for base58btc"),
            "no-prefix": (text[1:], "no multibase"),
            "alphabet": (text[:-1] + "0", "a letter that base58 does not have"),
            "space": (text + " ", "white space at the end"),
            "line-end": (text + "\n", "a line end at the end"),
            "huge": ("z" + "2" * 100_000, "100,000 letters"),
            "empty": ("", "no signature"),
            "list": ([text], "a list of signatures"),
        }
        shaped = {"empty", "list"}
        return [
            (f"value-{name}", "format" if name in shaped else "signature", why, self.with_proof(proofValue=value))
            for name, (value, why) in values.items()
        ]

    def named(self) -> list[_Case]:
        """The suite is called by another's name after signing."""
        names: dict[str, tuple[JsonObject, str]] = {
            "suite-relabelled": ({"cryptosuite": self.other}, "signature"),
            "suite-of-other-keys": ({"cryptosuite": "eddsa-jcs-2022"}, "signature"),
            "suite-selective": ({"cryptosuite": "ecdsa-sd-2023"}, "signature"),
            "suite-bbs": ({"cryptosuite": "bbs-2023"}, "signature"),
            "suite-unknown": ({"cryptosuite": "none"}, "signature"),
            "suite-missing": ({"cryptosuite": None}, "format"),
            "suite-list": ({"cryptosuite": [self.suite]}, "format"),
            "type-legacy": ({"type": "Ed25519Signature2020", "cryptosuite": None}, "signature"),
            "type-unknown": ({"type": "RsaSignature2018"}, "format"),
        }
        return [
            (name, check, "a proof under another name", self.with_proof(**made))
            for name, (made, check) in names.items()
        ]

    async def options(self) -> list[_Case]:
        """What the issuer signed is no proof for this use, or at this time."""
        now = self.world.clock()
        bare = {name: value for name, value in self.good.items() if name != "proof"}
        return [
            (
                "suite-of-another-signed",
                "signature",
                "made by one suite in the name of another",
                await self.signed(suite=self.other, cryptosuite=self.suite),
            ),
            ("purpose-other", "signature", "made to authenticate", await self.signed(proofPurpose="authentication")),
            ("purpose-relabelled", "signature", "another purpose", self.with_proof(proofPurpose="authentication")),
            ("purpose-missing", "format", "made for nothing", self.with_proof(proofPurpose=None)),
            ("expired", "validity", "its time is over", await self.signed(expires=format_seconds(now - 61))),
            ("created-later", "validity", "made in the future", await self.signed(created=format_seconds(now + 61))),
            ("created-altered", "signature", "another time", self.with_proof(created=format_seconds(now - 999))),
            ("created-no-time", "format", "no time", self.with_proof(created="yesterday")),
            ("unsigned", "format", "there is no proof", bare),
            ("proof-null", "format", "there is no proof", {**bare, "proof": None}),
            ("proof-text", "format", "the proof is a text", {**bare, "proof": self.good["proof"]["proofValue"]}),
            ("proofs-none", "format", "an empty set of proofs", {**bare, "proof": []}),
            ("proofs-17", "format", "17 proofs", {**bare, "proof": [self.good["proof"]] * 17}),
        ]

    async def sets(self) -> list[_Case]:
        """Sets and chains: one bad proof spoils all, and a chain has a beginning."""
        good = self.good["proof"]
        bare = {name: value for name, value in self.good.items() if name != "proof"}
        bad = changed(good, {"proofValue": base58btc_encode(bytes(64))})
        one, two = {"id": "urn:uuid:1"}, {"id": "urn:uuid:2"}
        first = await self.proof(bare, **one)
        second = await self.proof(bare, previous=None, previousProof="urn:uuid:1", **two)

        def of(*proofs: JsonObject) -> JsonObject:
            return {**bare, "proof": list(proofs)}

        def linked(proof: JsonObject, name: Any) -> JsonObject:
            return {**proof, "previousProof": name}

        return [
            ("set-one-bad", "signature", "one proof of the set is bad", of(good, bad)),
            ("set-one-bad-first", "signature", "one proof of the set is bad", of(bad, good)),
            ("chain-of-itself", "signature", "a proof that follows itself", of(linked(first, "urn:uuid:1"))),
            (
                "chain-loop",
                "signature",
                "two proofs that follow each other",
                of(linked(first, "urn:uuid:2"), linked(second, "urn:uuid:1")),
            ),
            ("chain-unsigned-link", "signature", "a link that the later proof did not sign", of(first, second)),
            ("chain-missing", "signature", "it follows a proof that is not there", of(linked(good, "urn:uuid:9"))),
            ("chain-first-dropped", "signature", "the first proof of a chain was taken away", of(second)),
            ("chain-ambiguous", "signature", "two proofs of one id", of(first, first, linked(second, "urn:uuid:1"))),
            ("chain-number", "format", "it follows a number", of(linked(good, 5))),
            ("id-no-url", "format", "an id that is no URL", of({**good, "id": "first"})),
        ]

    def contexts(self) -> list[_Case]:
        """The terms are given another meaning after signing."""
        context = self.good["@context"]
        swapped = {"given_name": "https://attacker.example/family_name"}
        made: dict[str, tuple[Any, str]] = {
            "inline-added": ([*context, swapped], "format"),
            "inline-vocab": ([*context, {"@vocab": "https://attacker.example/"}], "format"),
            "inline-null": ([*context, None], "format"),
            "by-url": ([*context, "https://attacker.example/context"], "format"),
            "reordered": ([context[1], context[0]], "format"),
            "base-only": (context[:1], "signature"),
            "text": ("https://attacker.example/context", "format"),
            "empty": ([], "format"),
        }
        cases = [
            (f"context-{name}", check, "terms that mean something else", self.copy(**{"@context": value}))
            for name, (value, check) in made.items()
        ]
        scoped = {**self.good["credentialSubject"], "@context": swapped}
        graph = {**deepcopy(self.good), "@graph": [{"id": "urn:example:1", "given_name": "Mallory"}]}
        own = self.with_proof(**{"@context": [*context, "https://attacker.example/context"]})
        return [
            *cases,
            ("context-in-subject", "signature", "terms that mean something else", self.copy(credentialSubject=scoped)),
            ("context-of-proof", "signature", "the proof has terms of its own", own),
            ("graph-beside", "signature", "a second graph", graph),
        ]

    async def presentations(self) -> list[_Text]:
        """The credential is good; whoever presents it proves nothing."""
        world, holder = self.world, self.world.holder
        text = await self.shown(self.good)
        document = json.loads(text)
        proof = document["proof"]
        asserting = await holder.sign_again(text, header={"proofPurpose": "assertionMethod"})
        other = await holder.proven([self.good], nonce="another", audience=world.audience)
        relabelled = {**document, "proof": {**proof, "challenge": world.nonce, "cryptosuite": self.other}}
        stolen = await self.thief.proven([self.good], nonce=world.nonce, audience=world.audience)
        renamed = {**json.loads(stolen), "holder": document["holder"]}
        second = json.loads(await world.town.issue(CLAIMS, format="ldp_vc", holder=holder.key, cryptosuite=self.suite))
        replayed = {**json.loads(other), "proof": {**json.loads(other)["proof"], "challenge": world.nonce}}
        unsigned = {name: value for name, value in document.items() if name != "proof"}
        both = {**document, "proof": [proof, json.loads(stolen)["proof"]]}
        return [
            ("vp-purpose", "holder", "signed as an issuer signs", asserting),
            ("vp-replayed", "holder", "made for another request", other),
            ("vp-replayed-renamed", "holder", "the request was changed after signing", json.dumps(replayed)),
            ("vp-relabelled", "holder", "a proof of one suite named as another", json.dumps(relabelled)),
            ("vp-stolen", "holder", "presented by somebody else", stolen),
            ("vp-stolen-renamed", "holder", "presented by somebody else in the holder's name", json.dumps(renamed)),
            ("vp-unsigned", "format", "nobody presents it", json.dumps(unsigned)),
            ("vp-two-presenters", "holder", "a second presenter, who proves nothing", json.dumps(both)),
            (
                "vp-exchanged",
                "holder",
                "another credential was put in",
                json.dumps({**document, "verifiableCredential": [second]}),
            ),
            (
                "vp-added",
                "holder",
                "a credential was added",
                json.dumps({**document, "verifiableCredential": [self.good, second]}),
            ),
        ]

    async def texts(self) -> list[_Text]:
        """JSON that is written so that two readers see two things, or none gets to the end."""
        text = await self.shown(self.good)
        end = text.rindex("}")
        return [
            ("member-twice", "format", "a member stands there twice", f'{text[:end]}, "holder": "did:key:z1"}}'),
            ("deep", "format", "nested 100,000 deep", f'{text[:end]}, "n": {"[" * 100_000}{"]" * 100_000}}}'),
            ("nan", "format", "NaN is no JSON", f'{text[:end]}, "n": NaN}}'),
            ("trailing", "format", "bytes after the end", text + "{}"),
        ]
