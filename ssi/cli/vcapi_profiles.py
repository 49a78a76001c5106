"""The profiles of ``ssi vcapi serve``: an agency's own from a file, or one of every kind with new keys for tests.

Shapes:  a profile's name is part of its address: lower case, digits and dashes, or a name that a test suite asks for.
I/O:     the key store; for an agency's own the ledger, which says what its keys are.
Errors:  InvalidInputError, NotFoundError.
"""

from __future__ import annotations

import re
import tomllib
from contextlib import suppress
from typing import Final

import msgspec

from ssi.cli.files import read_input
from ssi.cli.session import Session
from ssi.did.methods.key import did_key
from ssi.errors import InvalidInputError, UnavailableError
from ssi.keys import Curve, KeyPurpose, Kms, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.protocols.vc_api import Profile

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")

TEST_PROFILES: Final[dict[str, tuple[str | None, Curve]]] = {
    # Names as public test suites and their reports use them: name, cryptosuite (None: vc+jwt), curve.
    "eddsa-rdfc-2022": ("eddsa-rdfc-2022", Curve.ED25519),
    "eddsa-jcs-2022": ("eddsa-jcs-2022", Curve.ED25519),
    "ecdsa-rdfc-2019-p256": ("ecdsa-rdfc-2019", Curve.P256),
    "ecdsa-rdfc-2019-p384": ("ecdsa-rdfc-2019", Curve.P384),
    "ecdsa-jcs-2019-p256": ("ecdsa-jcs-2019", Curve.P256),
    "ecdsa-jcs-2019-p384": ("ecdsa-jcs-2019", Curve.P384),
    "ecdsa-sd-2023": ("ecdsa-sd-2023", Curve.P256),
    "bbs-2023": ("bbs-2023", Curve.BLS12_381_G2),
    "Ed25519Signature2020": ("Ed25519Signature2020", Curve.ED25519),
    "BitstringStatusList": ("eddsa-rdfc-2022", Curve.ED25519),
    "EnvelopingProof": (None, Curve.P256),
}
WITH_STATUS: Final = "BitstringStatusList"
HOLDER_SUITE: Final = "eddsa-rdfc-2022"


class ProfileSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``[[profile]]`` of the file."""

    name: str
    organisation: str
    cryptosuite: str | None = None
    status: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    profile: tuple[ProfileSettings, ...]


class Profiles(msgspec.Struct, frozen=True):
    """What to issue under, the holder that proves presentations if there is one, and where the keys are."""

    issuing: tuple[Profile, ...]
    holder: Profile | None
    kms: Kms


async def own_profiles(session: Session, file: str) -> Profiles:
    """Return the profiles of ``file``, each with the keys that its organisation has on the ledger."""
    try:
        settings = msgspec.convert(tomllib.loads(read_input(file).decode()), _File).profile
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as exc:
        raise InvalidInputError(f"expected a TOML file with tables [[profile]]: {exc}") from exc
    names = [item.name for item in settings]
    if len(set(names)) != len(names) or not all(map(_NAME.fullmatch, names)):
        raise InvalidInputError("expected profiles with names of letters, digits and dashes, each once")
    profiles = []
    for item in settings:
        organisation = await session.organisation(item.organisation)
        key = await organisation.key(KeyPurpose.CREDENTIAL)
        lists = await organisation.key(KeyPurpose.LIST) if item.status else None
        profiles.append(
            Profile(
                name=item.name,
                did=organisation.did,
                method=key.kid,
                label=key.label,
                cryptosuite=item.cryptosuite,
                list_label=None if lists is None else lists.label,
                list_method=None if lists is None else lists.kid,
            )
        )
    return Profiles(tuple(profiles), None, session.kms())


async def test_profiles() -> Profiles:
    """Return a profile of every kind, and a holder, each with a did:key of its own in memory.

    A kind whose keys need an extra that is not installed is left out.
    """
    kms = MemoryKms()
    profiles = []
    for name, (suite, curve) in TEST_PROFILES.items():
        with suppress(UnavailableError):
            profiles.append(await _new(kms, name, suite, curve, status=name == WITH_STATUS))
    holder = await _new(kms, "holder", HOLDER_SUITE, Curve.ED25519, purpose=KeyPurpose.HOLDER)
    return Profiles(tuple(profiles), holder, kms)


async def _new(
    kms: MemoryKms,
    name: str,
    cryptosuite: str | None,
    curve: Curve,
    *,
    status: bool = False,
    purpose: KeyPurpose = KeyPurpose.CREDENTIAL,
) -> Profile:
    secret = PrivateKey.generate(curve)
    public = await kms.add(name, secret, purpose=purpose)
    if status:
        await kms.add(f"{name}-list", secret, purpose=KeyPurpose.LIST)
    did = did_key(public)
    return Profile(
        name=name,
        did=did,
        method=f"{did}#{public.to_multikey()}",
        label=name,
        cryptosuite=cryptosuite,
        list_label=f"{name}-list" if status else None,
    )
