"""Issue an SD-JWT: hide the claims that the holder may withhold behind digests, then sign.

Source:  RFC 9901 section 4 (payload, disclosures, decoys, recursive disclosures), 9.3 (salts), 10.4 (decoys).
Input:   claims as JSON values and the paths of those that are to be selectively disclosable.
I/O:     none; ``issue_sd_jwt`` awaits the key store.
Errors:  InvalidInputError (a path without a claim, a reserved name, no JSON).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from secrets import randbelow, token_bytes
from typing import Final

import msgspec

from ssi.credentials.sd_jwt.compact import MAX_DISCLOSURES
from ssi.credentials.sd_jwt.disclosure import SCALARS, build_disclosures
from ssi.credentials.sd_jwt.hashing import DEFAULT_HASH, check_hash_name, digest_bytes, digest_of, digests_of
from ssi.credentials.sd_jwt.paths import ClaimPath, check_path, path_text
from ssi.credentials.sd_jwt.process import RESERVED_NAMES
from ssi.encoding.gate import MAX_JSON_DEPTH, MAX_SAFE_INTEGER
from ssi.errors import InvalidInputError
from ssi.keys import KeyPurpose, Kms, PublicKey
from ssi.keys.jws import sign_jws
from ssi.types import JsonObject, JsonValue

_ONLY_TEXT: Final = frozenset((str,))
NO_DECOYS: Final[Mapping[ClaimPath, int]] = {}


class Concealed(msgspec.Struct, frozen=True, gc=False):
    """A payload ready to sign, and the disclosures that belong to it."""

    payload: JsonObject
    disclosures: tuple[str, ...]


class IssuedSdJwt(msgspec.Struct, frozen=True, gc=False):
    """What the issuer hands to the holder, and to nobody else."""

    compact: str
    disclosures: tuple[str, ...]


def conceal(
    claims: JsonObject,
    disclosable: Iterable[Sequence[str | int | None]],
    *,
    decoys: Mapping[ClaimPath, int] = NO_DECOYS,
    hash_name: str = DEFAULT_HASH,
    in_plain_sight: frozenset[str] = frozenset(),
) -> Concealed:
    """Replace each claim at a path of ``disclosable`` by a digest, innermost first (RFC 9901, 4.2).

    ``decoys`` adds that many digests without a disclosure to the object or array at a path, ``()`` being the payload
    itself. ``in_plain_sight`` names top-level claims that must have no digest, nor any below them. ``claims`` is not
    changed. Raises InvalidInputError.
    """
    check_hash_name(hash_name)
    if type(claims) is not dict:
        raise InvalidInputError("expected claims to be an object")
    _check_claims(claims, 1)
    plan = _Plan()
    for path in disclosable:
        steps = check_path(path)
        parent = plan if len(steps) == 1 else plan.at(steps[:-1])
        parent.hidden.add(steps[-1])
    for path, count in decoys.items():
        plan.at(path).decoys += count
    if not in_plain_sight.isdisjoint(plan.steps()):
        raise InvalidInputError(f"{', '.join(sorted(in_plain_sight))} must not be selectively disclosable")
    run = _Concealer(hash_name)
    payload = run.object(claims, plan, ())
    if len(run.disclosures) > MAX_DISCLOSURES:
        raise InvalidInputError(f"expected at most {MAX_DISCLOSURES} selectively disclosable claims")
    if run.digests or hash_name != DEFAULT_HASH:
        payload["_sd_alg"] = hash_name
    return Concealed(payload, tuple(run.disclosures))


async def issue_sd_jwt(
    claims: JsonObject,
    *,
    disclosable: Iterable[Sequence[str | int | None]],
    typ: str,
    kms: Kms,
    label: str,
    header: Mapping[str, JsonValue] | None = None,
    holder_key: PublicKey | None = None,
    decoys: Mapping[ClaimPath, int] = NO_DECOYS,
    hash_name: str = DEFAULT_HASH,
    in_plain_sight: frozenset[str] = frozenset(),
    purpose: KeyPurpose = KeyPurpose.CREDENTIAL,
) -> IssuedSdJwt:
    """Sign ``claims`` as an SD-JWT of type ``typ`` with the key ``label`` (RFC 9901, 6.1).

    ``header`` adds members such as ``kid``. ``holder_key`` becomes ``cnf`` and makes key binding possible. Raises
    InvalidInputError, and what the key store raises.
    """
    if holder_key is not None and "cnf" in claims:
        raise InvalidInputError("expected claims without cnf beside a holder key")
    concealed = conceal(claims, disclosable, decoys=decoys, hash_name=hash_name, in_plain_sight=in_plain_sight)
    if holder_key is not None:
        concealed.payload["cnf"] = {"jwk": holder_key.to_jwk()}
    protected = {"typ": typ, **header} if header else {"typ": typ}
    if protected["typ"] != typ or "alg" in protected:
        raise InvalidInputError("expected header members without typ and alg")
    jws = await sign_jws(protected, concealed.payload, kms=kms, label=label, purpose=purpose)
    return IssuedSdJwt("~".join((jws, *concealed.disclosures, "")), concealed.disclosures)


class _Plan:
    """What happens in the object or array at one path: which members are hidden, and what happens within others."""

    __slots__ = ("below", "decoys", "hidden")

    def __init__(self) -> None:
        self.hidden: set[str | int | None] = set()
        self.below: dict[str | int | None, _Plan] = {}
        self.decoys = 0

    def at(self, path: ClaimPath) -> _Plan:
        plan = self
        for step in path:
            following = plan.below.get(step)
            if following is None:
                following = plan.below[step] = _Plan()
            plan = following
        return plan

    def steps(self) -> set[str | int | None]:
        return self.hidden | self.below.keys()


class _Concealer:
    """State of one run: the disclosures made so far, and how many digests there are."""

    __slots__ = ("_hash_name", "digests", "disclosures")

    def __init__(self, hash_name: str) -> None:
        self._hash_name = hash_name
        self.disclosures: list[str] = []
        self.digests = 0

    def object(self, source: JsonObject, plan: _Plan, path: ClaimPath) -> JsonObject:
        if not (source.keys() >= plan.hidden and source.keys() >= plan.below.keys()):
            missing = next(step for step in plan.steps() if step not in source)
            raise InvalidInputError(f"no claim at {path_text((*path, missing))}")
        target = dict(source)
        for name, below in plan.below.items():
            target[str(name)] = self._below(source[str(name)], below, (*path, name))
        names = [name for name in source if name in plan.hidden]
        if names or plan.decoys:
            _check_room(path)
            digests = self._hide(names, [target.pop(name) for name in names]) if names else []
            digests += [self._decoy() for _ in range(plan.decoys)]
            # Sorting hides which claim came first and which digests are decoys (4.2.4.1).
            digests.sort()
            target["_sd"] = digests
        return target

    def array(self, source: list[JsonValue], plan: _Plan, path: ClaimPath) -> list[JsonValue]:
        steps = plan.steps()
        if steps or plan.decoys:
            _check_room(path)
        for step in steps:
            if step is not None and (type(step) is not int or step >= len(source)):
                raise InvalidInputError(f"no claim at {path_text((*path, step))}")
        target: list[JsonValue] = []
        for index, value in enumerate(source):
            # An element is named by its index and by None, which is every element.
            plans = [plan.below[step] for step in (index, None) if step in plan.below]
            if plans:
                value = self._below(value, _merged(plans), (*path, index))
            hidden = index in plan.hidden or None in plan.hidden
            target.append({"...": self._hide([value])[0]} if hidden else value)
        for _ in range(plan.decoys):
            # Anywhere, since a decoy that is always last is recognised.
            target.insert(randbelow(len(target) + 1), {"...": self._decoy()})
        return target

    def _below(self, value: JsonValue, plan: _Plan, path: ClaimPath) -> JsonValue:
        if type(value) is dict:
            return self.object(value, plan, path)
        if type(value) is list:
            return self.array(value, plan, path)
        raise InvalidInputError(f"expected an object or an array at {path_text(path)}")

    def _hide(self, *columns: Sequence[JsonValue]) -> list[str]:
        """Make a disclosure of each name and value, or of each value, and return their digests."""
        disclosures = build_disclosures(*columns)
        self.disclosures += disclosures
        self.digests += len(disclosures)
        return digests_of(disclosures, self._hash_name)

    def _decoy(self) -> str:
        self.digests += 1
        return digest_of(token_bytes(digest_bytes(self._hash_name)), self._hash_name)


def _check_room(path: ClaimPath) -> None:
    """Digests lie one level deeper than the claims they stand for, and the verifier's gate counts that level."""
    if len(path) + 2 > MAX_JSON_DEPTH:
        raise InvalidInputError(f"expected selectively disclosable claims at most {MAX_JSON_DEPTH - 1} deep")


def _merged(plans: list[_Plan]) -> _Plan:
    """Return one plan that does what each of ``plans`` says."""
    if len(plans) == 1:
        return plans[0]
    merged = _Plan()
    merged.hidden = set().union(*(plan.hidden for plan in plans))
    merged.decoys = sum(plan.decoys for plan in plans)
    steps = dict.fromkeys(step for plan in plans for step in plan.below)
    merged.below = {step: _merged([plan.below[step] for plan in plans if step in plan.below]) for step in steps}
    return merged


def _check_claims(value: JsonObject | list[JsonValue], depth: int) -> None:
    """Refuse what the verifier's gate would refuse, and names that would be read as digests (4.1, rule 7)."""
    if depth > MAX_JSON_DEPTH:
        raise InvalidInputError(f"expected claims nested at most {MAX_JSON_DEPTH} deep")
    items: Iterable[JsonValue] = value
    if type(value) is dict:
        items = value.values()
        if not _ONLY_TEXT.issuperset(map(type, value)) or not value.keys().isdisjoint(RESERVED_NAMES):
            raise InvalidInputError("expected claim names to be strings other than _sd, _sd_alg and ...")
    for item in items:
        kind = type(item)
        if kind in SCALARS:
            continue
        if kind is dict or kind is list:
            _check_claims(item, depth + 1)
        elif kind is int:
            if not -MAX_SAFE_INTEGER <= item <= MAX_SAFE_INTEGER:
                raise InvalidInputError("expected integers within ±(2**53 - 1)")
        elif kind is float:
            if not isfinite(item):
                raise InvalidInputError("expected finite numbers")
        else:
            raise InvalidInputError("expected claims to be JSON values")
