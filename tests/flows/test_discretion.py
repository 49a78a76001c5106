"""No claim value, nonce or key shows in a log record, an exception message or a report (threats, row 28)."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import pytest

from issuer import CredentialType, Issuer
from issuer.publishing import StatusSettings
from issuer.stores.sqlite import SqliteIssuerStore
from ssi.encoding.jcs import jcs
from ssi.errors import SsiError
from ssi.keys import PrivateKey
from ssi.testing import TestFormat, TestWorld, broken_presentations
from tests.flows.offices import verifier
from verifier import CouldNotCheck, Refused

SECRETS = ("Aino", "Kerava", "Mallory", "n-0S6_WzA2Mj")


def told(error: BaseException | None) -> list[str]:
    """Return the messages of an error and of all that led to it."""
    messages: list[str] = []
    while error is not None:
        messages.append(f"{type(error).__module__}: {error}")
        error = error.__cause__ or error.__context__
    return messages


def assert_discreet(texts: list[str], secrets: tuple[str, ...]) -> None:
    for text in texts:
        for secret in secrets:
            assert secret not in text, f"{secret} is told: {text[:300]}"


async def test_no_refusal_tells_a_secret(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    world = await TestWorld.open()
    office = verifier(world)
    texts: list[str] = []
    count = 0
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        async for broken in broken_presentations(world):
            count += 1
            try:
                await office.verify(broken.text, nonce=world.nonce)
            except (Refused, CouldNotCheck) as exc:
                texts += [*told(exc), exc.reason, jcs(exc.report.to_json()).decode()]
            except SsiError as exc:
                texts += told(exc)
    assert len(texts) > count
    key = world.holder.key.to_jwk()
    kms = world.holder.kms
    private = [kms._keys[label].private.to_jwk()["d"] for label in await kms.labels()]
    secrets = (*SECRETS, str(key["x"]), world.holder.key.to_multikey(), *map(str, private))
    captured = capfd.readouterr()
    seen = [record.getMessage() for record in caplog.records] + [str(item.message) for item in warned]
    assert_discreet([*texts, *seen, captured.out, captured.err], secrets)


@pytest.mark.parametrize("format", ["dc+sd-jwt", "vc+jwt"])
async def test_no_report_of_what_was_accepted_tells_one_either(format: TestFormat) -> None:
    world = await TestWorld.open()
    shown = await verifier(world).verify(await world.shown(format), nonce=world.nonce)
    assert_discreet([jcs(shown.report.to_json()).decode()], (*SECRETS, str(world.holder.key.to_jwk()["x"])))


async def test_an_issuer_that_refuses_claims_does_not_repeat_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world = await TestWorld.open()
    schema = {
        "type": "object",
        "properties": {"given_name": {"type": "string", "maxLength": 3, "pattern": "^A"}, "born": {"format": "date"}},
        "additionalProperties": False,
        "required": ["given_name"],
    }
    kind = CredentialType(name="r", vct="https://t.example/r", types=("R",), schema=schema, validity_days=1)
    store = await SqliteIssuerStore.open(tmp_path / "issuer.db")
    issuer = Issuer(
        world.town.organisation,
        store=store,
        registry=world.federation.registry,
        catalogue=[kind],
        status_base="https://town.example/s",
        now=world.clock,
        status=StatusSettings(entries=131_072),
    )
    secret = "Canary-7391"
    texts: list[str] = []
    for claims in (
        {"given_name": secret},
        {"given_name": [secret]},
        {"given_name": "A", "other": secret},
        {"given_name": {secret: secret}},
        {"born": secret},
        {"given_name": "A", "cnf": secret},
        {"given_name": float("inf"), "x": secret},
        {"given_name": f"{secret}\ud800"},
    ):
        with pytest.raises(SsiError) as refused:
            await issuer.issue("r", claims, reference="case", holder=world.holder.key)
        texts += told(refused.value)
    await store.close()
    values = [text for text in texts if secret in text]
    assert not values, values
    assert_discreet([record.getMessage() for record in caplog.records], (secret,))


def test_a_private_key_does_not_show_itself() -> None:
    from ssi.encoding.base64url import b64url_encode
    from ssi.keys import Curve

    for curve in Curve:
        key = PrivateKey.generate(curve)
        shown = repr(key) + str(key)
        assert key.to_raw().hex() not in shown
        assert b64url_encode(key.to_raw()) not in shown
        assert str(key.to_raw()) not in shown
