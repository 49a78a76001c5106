"""Credentials at the wrong time. Source: RFC 7519, section 4.1; W3C VCDM 2.0, section 4.9."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ssi.encoding.timestamps import format_seconds
from ssi.testing.broken.case import Broken
from ssi.testing.forge import Changes
from ssi.testing.issuer import TestFormat
from ssi.testing.world import CLAIMS, TestWorld


async def broken_validity(world: TestWorld) -> AsyncIterator[Broken]:
    """Yield credentials that do not hold now."""
    now = world.clock()
    ended = {"validFrom": format_seconds(now - 999), "validUntil": format_seconds(now - 61)}
    cases: list[tuple[TestFormat, str, str, Changes, str]] = [
        ("dc+sd-jwt", "expired", "validity", {"exp": now - 61}, "expired"),
        ("dc+sd-jwt", "not-yet", "validity", {"nbf": now + 61}, "not valid yet"),
        ("dc+sd-jwt", "issued-later", "validity", {"iat": now + 61}, "issued in the future"),
        ("dc+sd-jwt", "expiry-text", "signature", {"exp": str(now + 1000)}, "exp is no number"),
        ("vc+jwt", "expired", "validity", ended, "expired"),
        ("vc+jwt", "signature-expired", "validity", {"exp": now - 61}, "the signature expired"),
        ("vc+jwt", "not-yet", "validity", {"validFrom": format_seconds(now + 61)}, "not valid yet"),
        ("vc+jwt", "signature-not-yet", "validity", {"nbf": now + 61}, "the signature does not hold yet"),
        ("vc+jwt", "issued-later", "validity", {"iat": now + 61}, "signed in the future"),
        ("vc+jwt", "time-without-zone", "signature", {"validUntil": "2099-01-01T00:00:00"}, "a time without zone"),
        ("vc+cose", "expired", "validity", ended, "expired"),
        ("vc+cose", "signature-expired", "validity", {"exp": now - 61}, "the signature expired"),
        ("vc+cose", "not-yet", "validity", {"validFrom": format_seconds(now + 61)}, "not valid yet"),
        ("vc+cose", "signature-not-yet", "validity", {"nbf": now + 61}, "the signature does not hold yet"),
        ("vc+cose", "issued-later", "validity", {"iat": now + 61}, "signed in the future"),
        ("ldp_vc", "expired", "validity", ended, "expired"),
        ("ldp_vc", "proof-expired", "validity", {"exp": now - 61}, "the proof expired"),
        ("ldp_vc", "not-yet", "validity", {"validFrom": format_seconds(now + 61)}, "not valid yet"),
        ("ldp_vc", "issued-later", "validity", {"iat": now + 61}, "signed in the future"),
        ("ldp_vc", "time-without-zone", "format", {"validUntil": "2099-01-01T00:00:00"}, "a time without zone"),
    ]
    for form, name, check, changes, why in cases:
        credential = await world.town.issue(CLAIMS, format=form, holder=world.holder.key, changes=changes)
        text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
        yield Broken(name=f"validity/{name}/{form}", text=text, why=why, check=check)
