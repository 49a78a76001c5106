"""Take over a running issuer from another system: same DID, keys, list addresses and indexes.

Source:  draft-ietf-oauth-status-list-20, sections 4.1 (packing), 7.1 (states) and 13.2 (no index twice); W3C Bitstring
         Status List v1.0, section 3.4; RFC 9901 and SD-JWT VC need nothing of it: a signed credential stays as it is.
Input:   what the other system knows of its families and credentials, without claims (``parse_takeover`` reads a file),
         and the lists that it serves.
Shapes:  a value is the number that a list gives for an index: a state in a token list, 0 or 1 in a bitstring list.
         Times are Unix seconds.
I/O:     the port ``Fetch`` for the other system's lists, the issuer's store and key store.
Errors:  InvalidInputError, NotFoundError (a type that is not in the catalogue), ConflictError (what is here already,
         and acts that come too early or too late), VerificationError (lists that are not believed, or say something
         else), UnavailableError.

The steps are load, compare as often as wanted (the shadow run), switch. Until the switch the other system serves the
lists, issues and acts on credentials; nothing adopted is published here, and issuing and every act on it are refused.
``abandon`` undoes the load while nothing was published; after that ``carry_over`` says what the other system must learn
before it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError, UnavailableError, VerificationError
from ssi.keys import KeyPurpose
from ssi.ports import Fetch
from ssi.registry.founding import system_clock
from ssi.status import StatusFormat, VerifiedStatusList, parse_status_list, verify_status_list
from ssi.status.content import MAX_LIST_CHARACTERS
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.source import ACCEPT

from .cases import check_reference, format_of
from .issuer import Issuer
from .issuing import STATUS_FORMAT
from .packed import values
from .store import AdoptedFamily, Family, Issued, IssuerStore, Selection

MAX_TAKEOVER_BYTES: Final = 512 << 20
"""A million credentials take some 300 MB as JSON."""

Place: TypeAlias = "tuple[str, int]"
"""Address of a list, and index in it."""


class Difference(msgspec.Struct, frozen=True):
    """An index of which the other system's list and ours would say different things."""

    uri: str
    index: int
    published: int | None
    """The value in the other system's list, None past its end."""
    ours: int | None
    """The value in the list that would be published here, None past its end."""

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.uri, self.index

    @property
    def name(self) -> str:
        """Where it is and what it says, as an operator accepts it: ``address#index:published>ours``."""
        published, ours = ("none" if value is None else value for value in (self.published, self.ours))
        return f"{self.uri}#{self.index}:{published}>{ours}"


class ComparedList(msgspec.Struct, frozen=True):
    """One list of the other system beside ours."""

    uri: str
    entries: int
    """How many entries were compared."""
    issued_at: int
    """When the other system signed the list that was compared."""
    differences: tuple[Difference, ...]


class Comparison(msgspec.Struct, frozen=True):
    """What a shadow run found."""

    at: int
    lists: tuple[ComparedList, ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        """All differences, list by list."""
        return tuple(found for compared in self.lists for found in compared.differences)

    @property
    def clean(self) -> bool:
        """Whether both systems say the same of every index."""
        return not self.differences

    def left(self, accepted: Collection[Place | str] = ()) -> list[Difference]:
        """Return the differences that are accepted neither by place nor by name."""
        return [found for found in self.differences if found.place not in accepted and found.name not in accepted]

    def require(self, accepted: Collection[Place | str] = ()) -> None:
        """Raise VerificationError unless every difference is accepted, by its place or by its name."""
        left = self.left(accepted)
        if left:
            raise VerificationError(
                f"{len(left)} entries differ from the published lists, the first at index {left[0].index}: published"
                f" {left[0].published}, ours {left[0].ours}"
            )


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """A credential of which the other system knows nothing, or the wrong state."""

    reference: str
    id: str
    type: str
    uri: str | None
    """What the addresses of its lists begin with, None if it has no status."""
    index: int | None
    before: CredentialState | None
    """Its state when it was taken over, None if it was issued here."""
    state: CredentialState


def parse_takeover(data: bytes | str) -> tuple[AdoptedFamily, ...]:
    """Read ``{"families": [...]}``, whose members are those of ``AdoptedFamily``; a state is 0, 1 or 2.

    Raises InvalidInputError, also for a member that is not known, such as claims.
    """
    document = parse_object(data, max_bytes=MAX_TAKEOVER_BYTES)
    if set(document) != {"families"}:
        raise InvalidInputError("expected an object with the member families")
    try:
        return msgspec.convert(document["families"], tuple[AdoptedFamily, ...])
    except msgspec.ValidationError as exc:
        # The message names the path and the types, and for a state that is none its number.
        raise InvalidInputError(f"expected families of status lists: {exc}") from exc


class Takeover:
    """The takeover of one issuer. It keeps nothing: every step finds in the store how far things are."""

    def __init__(
        self, issuer: Issuer, *, store: IssuerStore, fetch: Fetch, now: Callable[[], int] = system_clock
    ) -> None:
        """``store`` is the one that ``issuer`` was opened with; ``fetch`` gets the other system's lists."""
        self._issuer = issuer
        self._store = store
        self._fetch = fetch
        self._now = now

    async def examine(self, families: Sequence[AdoptedFamily]) -> Comparison:
        """Compare an export with the lists that are published now, and keep nothing. Raises as ``load``."""
        pairs = []
        for family in families:
            states = check_family(self._issuer, family)
            pairs.append((self._lists(family.format, family.uri, family.entries), states))
        return await self._compare(pairs)

    async def load(self, families: Sequence[AdoptedFamily], *, accepted: Collection[Place | str] = ()) -> Comparison:
        """Adopt families and credentials in one transaction, if they agree with the lists that are published now.

        Returns the comparison. Raises InvalidInputError for an index that is taken twice or past the end, or a state
        that is none; VerificationError for a difference at a place that is not ``accepted``; ConflictError for what is
        in the store already. Nothing is kept when anything is raised.
        """
        found = await self.examine(families)
        found.require(accepted)
        await self._store.adopt(families)
        return found

    async def compare(self) -> Comparison:
        """Fetch the other system's lists and compare them with those that would be published here.

        Raises as ``Fetch``, and as ``verify_status_list`` for a list that the issuer's key did not sign.
        """
        pairs = []
        for family in await self._held():
            _version, states = await self._store.states(family.id)
            lists = self._lists(family.format, family.uri, family.entries)
            pairs.append((lists, StatusArray(family.entries, states)))
        return await self._compare(pairs)

    async def switch(self, *, accepted: Collection[Place | str] = ()) -> Comparison:
        """Compare once more, then publish here; the other system must have stopped acting before.

        Safe to repeat. Raises VerificationError, with nothing published, for a difference at a place that is not
        ``accepted``; UnavailableError while our lists would not be dated later than those they replace.
        """
        found = await self.compare()
        found.require(accepted)
        if any(compared.issued_at >= self._now() for compared in found.lists):
            raise UnavailableError("the published lists are not older than the clock: switch a second later")
        await self._store.release()
        await self._issuer.publish()
        return found

    async def abandon(self) -> int:
        """Undo the load and return how many credentials went. Raises ConflictError once anything was published."""
        return await self._store.abandon()

    async def carry_over(self) -> tuple[Carried, ...]:
        """Return what the other system must learn before it may go on, oldest first; empty if it may at once."""
        families = {family.id: family for family in await self._store.families()}
        known: dict[tuple[int, int], CredentialState] = {}
        for family in families.values():
            if family.adopted:
                known |= {(family.id, index): state for index, state in await self._store.adopted(family.id)}
        carried: list[Carried] = []
        after, begun = 0, False
        while rows := await self._store.select(Selection(replaced=True), after=after):
            for row in rows:
                before = None if row.family is None or row.index is None else known.get((row.family, row.index))
                if before is not None and not begun:
                    # What was issued here before the first adopted row is no part of the takeover. Where only indexes
                    # were adopted there is no such row, and all that was issued here is reported.
                    begun, carried = True, []
                if before != row.state:
                    carried.append(_carried(row, families, before))
            after = rows[-1].number
        return tuple(carried)

    async def _held(self) -> list[Family]:
        return [family for family in await self._store.families() if family.held]

    def _lists(self, format: StatusFormat, uri: str, entries: int) -> StatusFamily:
        return StatusFamily(format=format, issuer=self._issuer.did, uri=uri, entries=entries)

    async def _compare(self, pairs: Sequence[tuple[StatusFamily, StatusArray]]) -> Comparison:
        compared = []
        for family, states in pairs:
            for purpose, uri in family.list_uris:
                ours = states.bitstring(purpose) if purpose else states.token_list()
                compared.append(compare_list(await self._published(family, uri), ours))
        return Comparison(self._now(), tuple(compared))

    async def _published(self, family: StatusFamily, uri: str) -> VerifiedStatusList:
        """Return the list that stands at ``uri``, signed by the key that was taken over too."""
        fetched = await self._fetch(uri, accept=ACCEPT, max_bytes=MAX_LIST_CHARACTERS)
        unverified = parse_status_list(fetched.body)
        if unverified.format is not family.format:
            raise VerificationError("expected a published list of the format that its family has")
        key = await self._issuer.identity.key(KeyPurpose.LIST)
        return verify_status_list(
            unverified, key.public_key, expected_uri=uri, issuer=self._issuer.did, now=self._now()
        )


def check_family(issuer: Issuer, family: AdoptedFamily) -> StatusArray:
    """Return the states of a family that could be adopted. Raises InvalidInputError, or NotFoundError for a type."""
    lists = StatusFamily(format=family.format, issuer=issuer.did, uri=family.uri, entries=family.entries)
    if not 0 <= family.capacity <= lists.capacity:
        raise InvalidInputError(f"expected a capacity from 0 to {lists.capacity}")
    states, seen = StatusArray(family.entries), set[int]()
    given = [(credential.index, credential.state) for credential in family.credentials] + list(family.taken)
    for index, state in given:
        if not 0 <= index < family.entries or index in seen:
            raise InvalidInputError(f"index {index} is taken twice, or is not in the list")
        if state not in set(CredentialState):
            raise InvalidInputError(f"index {index} has a state that is none: {int(state)}")
        seen.add(index)
        states.set(index, state)
    for credential in family.credentials:
        check_reference(credential.reference)
        form = format_of(issuer.catalogue.get(credential.type), credential.format)
        if STATUS_FORMAT[form] is not family.format:
            raise InvalidInputError(f"a credential of format {form} refers to another format of status lists")
        if not 0 <= credential.issued_at <= credential.valid_until:
            raise InvalidInputError(f"the credential at index {credential.index} ends before it was issued")
    return states


def compare_list(published: VerifiedStatusList, ours: bytes) -> ComparedList:
    """Compare a published list with the packed bytes of ours, entry by entry.

    A list of fewer entries than ours agrees with it where ours has nothing but zeros past its end; one of more never
    agrees. Bits per entry may differ, since credentials do not say them.
    """
    token = published.format is StatusFormat.TOKEN
    theirs = values(published.data, published.size or 1, right=token)
    mine = values(ours, 2 if token else 1, right=token)
    common = min(len(theirs), len(mine))
    found: list[Difference] = []
    if theirs[:common] != mine[:common]:
        pairs = enumerate(zip(theirs, mine, strict=False))
        found += [Difference(published.uri, index, there, here) for index, (there, here) in pairs if there != here]
    found += [Difference(published.uri, index, None, mine[index]) for index in range(common, len(mine)) if mine[index]]
    found += [
        Difference(published.uri, index, theirs[index], None)
        for index in range(common, len(theirs))
        if theirs[index] or index == common
    ]
    return ComparedList(published.uri, max(len(theirs), len(mine)), published.issued_at or 0, tuple(found))


def _carried(row: Issued, families: Mapping[int, Family], before: CredentialState | None) -> Carried:
    return Carried(
        reference=row.reference,
        id=row.id,
        type=row.type,
        uri=None if row.family is None else families[row.family].uri,
        index=row.index,
        before=before,
        state=row.state,
    )
