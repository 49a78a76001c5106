"""One of everything that this library signs, and every function that verifies, for the matrix and the mutations.

A verifier here takes bytes and the key that really signed them, so that nothing but the kind of the thing and its bytes
can make the difference; it returns what it would have a caller believe.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ssi.credentials.jose import read_vc_jwt, read_vp_jwt, verify_vc_jwt, verify_vp_jwt
from ssi.credentials.sd_jwt import KeyBindingPolicy, read_sd_jwt_vc, verify_sd_jwt_vc
from ssi.credentials.sd_jwt.key_binding import KB_TYPES
from ssi.did.webvh import verify_log
from ssi.keys import KeyPurpose, PublicKey
from ssi.keys.jws import parse_jws, verify_jws
from ssi.ledger.checkpoint import verify_note
from ssi.ledger.receipt import build_receipt, parse_receipt, verify_receipt
from ssi.registry import parse_statement, verify_statement
from ssi.status.verify import parse_status_list, verify_status_list
from ssi.testing import TestWorld
from ssi.testing.world import CLAIMS

Verify = Callable[[bytes, PublicKey], object]


class Artefact(NamedTuple):
    """Bytes and the key that signed them."""

    data: bytes
    key: PublicKey


class Everything:
    """Artefacts by kind, and verifiers by the kind that they are for."""

    def __init__(self, world: TestWorld) -> None:
        self.world = world
        self.artefacts: dict[str, Artefact] = {}
        self.verifiers: dict[str, Verify] = {}

    @classmethod
    async def make(cls) -> Everything:
        """Make one of everything in a new world."""
        made = cls(await TestWorld.open())
        await made._credentials()
        await made._lists()
        await made._ledger()
        return made

    async def _credentials(self) -> None:
        world, now = self.world, self.world.clock()
        issuer = (await world.town.organisation.key(KeyPurpose.CREDENTIAL)).public_key
        vc = await world.town.issue(CLAIMS, format="vc+jwt", holder=world.holder.key)
        sd = await world.town.issue(CLAIMS, format="dc+sd-jwt", holder=world.holder.key)
        vp = await world.holder.show(vc, nonce=world.nonce, audience=world.audience)
        bound = await world.holder.show(sd, nonce=world.nonce, audience=world.audience)
        texts = {"vc+jwt": vc, "dc+sd-jwt": sd, "dc+sd-jwt+kb": bound}
        self.artefacts |= {name: Artefact(text.encode(), issuer) for name, text in texts.items()}
        self.artefacts["vp+jwt"] = Artefact(vp.encode(), world.holder.key)
        self.artefacts["kb+jwt"] = Artefact(bound.rpartition("~")[2].encode(), world.holder.key)
        contexts, policy = world.type.contexts, KeyBindingPolicy(world.nonce, world.audience, 300)

        def vp_jwt(data: bytes, key: PublicKey) -> object:
            asked: dict[str, Any] = {"audience": world.audience, "nonce": world.nonce, "max_age_seconds": 300}
            found = verify_vp_jwt(read_vp_jwt(data), key, now=now, contexts=contexts, **asked)
            return found.presentation, found.credentials

        def sd_jwt(data: bytes, key: PublicKey, binding: KeyBindingPolicy | None = None) -> object:
            found = verify_sd_jwt_vc(read_sd_jwt_vc(data), key, now=now, key_binding=binding)
            return found.issuer, found.vct, found.claims, found.status, found.valid_until

        def vc_jwt(data: bytes, key: PublicKey) -> object:
            found = verify_vc_jwt(read_vc_jwt(data), key, now=now, contexts=contexts)
            return found.claims, found.issued_at

        self.verifiers |= {
            "vc+jwt": vc_jwt,
            "vp+jwt": vp_jwt,
            "dc+sd-jwt": sd_jwt,
            "dc+sd-jwt+kb": lambda data, key: sd_jwt(data, key, policy),
            "kb+jwt": lambda data, key: verify_jws(parse_jws(data), key, typ=KB_TYPES).claims,
        }

    async def _lists(self) -> None:
        world, now = self.world, self.world.clock()
        key = (await world.town.organisation.key(KeyPurpose.LIST)).public_key
        for name, form in (("statuslist+jwt", "dc+sd-jwt"), ("bitstring list", "vc+jwt")):
            uri = world.town.family(form).list_uris[0][1]  # type: ignore[arg-type]

            def status_list(data: bytes, key: PublicKey, uri: str = uri) -> object:
                unverified = parse_status_list(data)
                found = verify_status_list(unverified, key, expected_uri=uri, issuer=world.town.did, now=now)
                return found.data, found.size, found.purposes, found.issued_at, found.expires_at, found.ttl_seconds

            self.artefacts[name] = Artefact(world.lists.lists[uri].body, key)
            self.verifiers[name] = status_list

    async def _ledger(self) -> None:
        world, registry = self.world, self.world.federation.registry
        statement = await world.town.organisation.sign(world.town._commitment((await world.town.publish())[0]))
        signer = (await world.town.organisation.key(KeyPurpose.STATEMENT)).public_key
        note_key = await registry.note_key()
        log_key = note_key.public_key
        assert isinstance(log_key, PublicKey)
        did, now = world.town.did, self.world.clock()
        index = await world.federation.ledger.size() - 1
        (entry,) = await world.federation.ledger.read(index, index + 1)
        note = registry.checkpoint or b""
        self.artefacts |= {
            "statement": Artefact(statement, signer),
            "did line": Artefact(world.town.organisation.log, signer),
            "checkpoint": Artefact(note, log_key),
            "receipt": Artefact(build_receipt(await registry.receipt(index)), log_key),
        }

        def did_line(data: bytes, key: PublicKey) -> object:
            log = verify_log(data, did=did, now=now)
            return log.head.document, log.head.entry.version_id

        def receipt(data: bytes, key: PublicKey) -> object:
            checkpoint = verify_receipt(parse_receipt(data), entry, keys=[note_key])
            return checkpoint.size, checkpoint.root, checkpoint.origin

        def checkpoint(data: bytes, key: PublicKey) -> object:
            found = verify_note(data, keys=[note_key])
            return found.origin, found.size, found.root, found.extensions, found.cosigned_at

        self.verifiers |= {
            "statement": lambda data, key: verify_statement(parse_statement(data), key),
            "did line": did_line,
            "checkpoint": checkpoint,
            "receipt": receipt,
        }
