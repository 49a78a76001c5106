"""Lines of did:webvh logs at the guard: entries of their own kind, closed, and in the order of their log."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.errors import VerificationError
from ssi.keys import Curve, PrivateKey
from tests.unit.registry.guarding import PERSON, code_of, parse_payload
from tests.unit.registry.world import Organisation, World


class TestDidLines:
    """A did:webvh line is a ledger entry of its own kind: closed, and in the order of its log."""

    def test_keys_in_force_are_those_of_the_log_at_that_index(self, world: World) -> None:
        body = Organisation("rotating.example")
        old = body.keys["key-1"]
        setup = [
            world.root.accredit(body.did, "organisation"),
            body.lines[0],
            world.root.accredit(body.did, "issuer"),
        ]
        before = body.commit("https://rotating.example/1", 0)
        body.keys = {"key-2": PrivateKey.generate(Curve.P256)}
        rotated = body.next_line()
        body.keys["key-1"] = old
        assert code_of(before, *setup, world=world) == ""
        assert code_of(before, *setup, rotated, world=world) == "G10"
        after = body.sign(parse_payload(before), key="key-2")
        assert code_of(after, *setup, world=world) == "G10"
        assert code_of(after, *setup, rotated, world=world) == ""

    def test_a_deactivated_did_is_silent(self, world: World) -> None:
        body = Organisation("gone.example")
        setup = [world.root.accredit(body.did, "organisation"), body.lines[0], world.root.accredit(body.did, "issuer")]
        gone = body.next_line(parameters={"deactivated": True, "updateKeys": []})
        assert code_of(gone, *setup, world=world) == ""
        assert code_of(body.commit("https://gone.example/1", 0), *setup, gone, world=world) == "G10"

    def test_versions_come_in_order(self, world: World) -> None:
        body = Organisation("ordered.example")
        setup = (world.root.accredit(body.did, "organisation"), body.lines[0])
        second = body.next_line()
        third = body.next_line()
        assert code_of(third, *setup, world=world) == "G11"
        assert code_of(second, *setup, world=world) == ""
        assert code_of(body.lines[0], *setup, world=world) == "G11"
        assert code_of(third, *setup, second, world=world) == ""

    def test_a_line_that_the_log_rules_refuse_is_refused(self, world: World) -> None:
        body = Organisation("broken.example")
        setup = (world.root.accredit(body.did, "organisation"), body.lines[0])
        body.update = PrivateKey.generate(Curve.ED25519)
        with pytest.raises(VerificationError):
            code_of(body.next_line(), *setup, world=world)

    @pytest.mark.parametrize(
        ("code", "change"),
        [
            ("G02", {"name": "Jane"}),
            ("G02", {"@context": ["https://jane.example/context"]}),
            ("G02", {"service": [{"id": "#a", "type": "A", "serviceEndpoint": {"uri": "https://a.example"}}]}),
            ("G02", {"controller": "did:web:jane doe"}),
            ("G02", {"controller": ["did:web:agency.example", "Jane"]}),
            ("G04", {"alsoKnownAs": [PERSON]}),
            ("G04", {"controller": PERSON}),
            ("G12", {"alsoKnownAs": ["mailto:jane@agency.example"]}),
            ("G12", {"service": [{"id": "#a", "type": "A", "serviceEndpoint": "https://a.example/?q=1"}]}),
            ("G05", {"service": [{"id": "#a", "type": "A", "serviceEndpoint": "https://a.example/19900131"}]}),
            ("G06", {"service": [{"id": "#a", "type": "A", "serviceEndpoint": f"https://a.example/{'1a' * 10}"}]}),
            ("G04", {"service": [{"id": f"{PERSON}#a", "type": "A", "serviceEndpoint": "https://a.example/"}]}),
            ("G05", {"service": [{"id": "#19900131", "type": "A", "serviceEndpoint": "https://a.example/"}]}),
            ("G12", {"service": [{"id": "#a", "type": "A", "serviceEndpoint": "did:web:a.example?name=jane"}]}),
            ("G12", {"alsoKnownAs": ["did:web:a.example/jane"]}),
            ("G05", {"alsoKnownAs": ["did:web:a.example#19900131"]}),
            (
                "G12",
                {
                    "service": [
                        {
                            "id": "#a",
                            "type": "A",
                            "serviceEndpoint": "https://a.example/",
                            "@context": "https://w3id.org/?jane",
                        }
                    ]
                },
            ),
            ("G05", {"verificationMethod": [{"id": "#jane-19900131", "type": "Multikey"}]}),
            ("G05", {"verificationMethod": [{"id": "#k", "type": "Key19900131"}]}),
            ("G05", {"verificationMethod": [{"id": "#k", "type": "JsonWebKey", "publicKeyJwk": {"kty": "19900131"}}]}),
            ("G05", {"authentication": ["#06-12-34-56-78"]}),
        ],
    )
    def test_the_document_is_closed(self, world: World, code: str, change: dict[str, Any]) -> None:
        body = Organisation("closed.example")
        setup = (world.root.accredit(body.did, "organisation"), body.lines[0])
        assert code_of(body.next_line(state=body.document(**change)), *setup, world=world) == code

    def test_what_organisations_publish_is_admitted(self, world: World) -> None:
        body = Organisation("open.example")
        setup = (world.root.accredit(body.did, "organisation"), body.lines[0])
        state = body.document(
            alsoKnownAs=["did:web:open.example", "https://open.example/"],
            service=[
                {"id": "#files", "type": "relativeRef", "serviceEndpoint": "https://open.example/"},
                {"id": f"{body.did}#complaints", "type": ["complaints"], "serviceEndpoint": ["https://open.example/c"]},
            ],
        )
        assert code_of(body.next_line(state=state), *setup, world=world) == ""

    def test_private_keys_are_refused(self, world: World) -> None:
        body = Organisation("witnessed.example")
        setup = (world.root.accredit(body.did, "organisation"), body.lines[0])
        key = body.keys["key-1"]
        method = {"id": f"{body.did}#k", "type": "JsonWebKey", "controller": body.did, "publicKeyJwk": key.to_jwk()}
        assert code_of(body.next_line(state=body.document(verificationMethod=[method])), *setup, world=world) == "G02"
