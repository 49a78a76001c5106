"""The holder's façade: keep credentials encrypted, show chosen claims, see what was shown to whom.

Source:  decision 12 of the design (``docs/adr/0006-wallet-store.md``); formats as ``cards`` and ``presenting``.
Shapes:  card ids are 32 hexadecimal digits; claim paths are tuples of names, indexes and None; times are Unix seconds
         from the injected clock.
I/O:     the store, and the resolver if there is one. Every act is one transaction: a refusal changes nothing, and what
         is returned is on disk.
Errors:  InvalidInputError (what was asked, or a credential that is none), DisclosureError, KeyBindingError (bound to a
         key that is not here), VerificationError (the store or the credential is not to be believed), NotFoundError,
         UnavailableError.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

import msgspec

from ssi.credentials.sd_jwt.paths import check_path
from ssi.did.resolver import Resolver
from ssi.encoding.jsonld import BUNDLED, Contexts
from ssi.errors import InvalidInputError, KeyBindingError, KeyNotFoundError, NotFoundError
from ssi.keys import Curve, KeyPurpose, PublicKey
from ssi.types import JsonValue

from .cards import Card, card_of, search_key, search_keys, verify_issuer
from .cards import CardContent as CardContent
from .delivered import Delivered, read_delivered
from .history import SHOWN, Shown, check_audience, forget_history, read_history, record_shown, shown_record
from .keys import KEY, VaultKms
from .portable import FORMAT, Imported, Portable, PortableKey, build_portable, parse_portable, portable_card
from .presenting import build_presentation
from .proofs import check_proof, proof_ids, proof_record, read_proof
from .sealing import Plain
from .store import WalletStore
from .unlock import DataKeyWrap, PassphraseWrap
from .vault import Batch, Vault, new_id, open_or_create

Clock: TypeAlias = Callable[[], int]
Path: TypeAlias = Sequence[str | int | None]

CARD: Final = "card"
MAX_TAGS: Final = 512
"""Claims of one credential that are found by tag; one with more is opened and looked through instead."""
_TYPE: Final = "card type"
_TEXT: Final = "card text"
_KEY: Final = "card key"
_CLAIM: Final = "card claim"
_CROWDED: Final = "card with too many claims"


class Wallet:
    """One holder's wallet, open."""

    def __init__(
        self,
        vault: Vault,
        *,
        store: WalletStore,
        owns_store: bool = False,
        resolver: Resolver | None = None,
        now: Clock | None = None,
        contexts: Contexts = BUNDLED,
    ) -> None:
        """Use ``Wallet.open``."""
        self._vault = vault
        self._store = store
        self._owns_store = owns_store
        self._resolver = resolver
        self._contexts = contexts
        self._now: Clock = now or (lambda: int(time.time()))
        self.kms: Final = VaultKms(vault)
        """The holder's keys, as a key store."""

    @classmethod
    async def open(
        cls,
        store: WalletStore | str,
        *,
        passphrase: str | bytes | None = None,
        wrap: DataKeyWrap | None = None,
        wallet: str = "default",
        create: bool = True,
        minimum_revision: int = 0,
        resolver: Resolver | None = None,
        now: Clock | None = None,
        contexts: Contexts = BUNDLED,
    ) -> Wallet:
        """Open the wallet of this name, or make an empty one if ``create`` is set.

        ``store`` is a store or its URL (``sqlite:///path``, ``memory:``). Exactly one of ``passphrase`` and ``wrap``
        opens it. With a ``resolver``, only credentials whose issuer's signature holds are added; ``contexts`` are the
        JSON-LD contexts that these may use. ``minimum_revision`` is a ``revision`` that the caller remembers: an older
        copy of the store is refused.

        Raises VerificationError if the wallet does not open or was altered, NotFoundError if there is none.
        """
        if (passphrase is None) == (wrap is None):
            raise InvalidInputError("expected either a passphrase or a wrap to open the wallet with")
        way = PassphraseWrap(passphrase) if passphrase is not None else wrap
        assert way is not None  # noqa: S101  (one of the two was given; for the type checker)
        owns_store = isinstance(store, str)
        if isinstance(store, str):
            from .stores import open_wallet_store

            store = await open_wallet_store(store, create=create)
        try:
            vault = await open_or_create(store, wallet, way, create=create, minimum_revision=minimum_revision)
        except BaseException:
            if owns_store:
                await store.close()
            raise
        return cls(vault, store=store, owns_store=owns_store, resolver=resolver, now=now, contexts=contexts)

    @property
    def revision(self) -> int:
        """How many changes this wallet has seen; keep it elsewhere to notice that an older copy was put back."""
        return self._vault.revision

    async def new_key(self, curve: Curve = Curve.P256) -> PublicKey:
        """Return the public part of a fresh holder key. Use one for each credential, so that none links two."""
        return await self.kms.generate(f"holder-{new_id().hex()}", curve=curve, purpose=KeyPurpose.HOLDER)

    async def add(self, credential: str | bytes, *, key: PublicKey | None = None, now: int | None = None) -> Card:
        """Keep a credential that an issuer delivered; the same one again is the same card.

        A bound credential has to be bound to a key of this wallet, and to ``key`` if one is given. Raises
        InvalidInputError, DisclosureError, KeyBindingError, and with a resolver what verification raises.
        """
        at = self._now() if now is None else now
        delivered = read_delivered(credential)
        if key is not None and delivered.key != key:
            raise KeyBindingError("the credential is not bound to the key that it was asked for with")
        if self._resolver is not None:
            await verify_issuer(delivered, self._resolver, now=at, jsonld_contexts=self._contexts)
        await self._label(delivered)
        card = card_of(delivered, new_id(), added_at=at, verified_at=None if self._resolver is None else at)
        plain = self._plain(card, delivered)
        known: tuple[bytes, ...] = ()

        async def build() -> Batch:
            nonlocal known
            known = await self._vault.find(CARD, [self._same(delivered)])
            await self._label(delivered)
            return Batch() if known else Batch(puts=(plain,))

        await self._vault.write(build)
        return (await self._cards(known))[0] if known else card

    async def list(self) -> Sequence[Card]:
        """Return all cards, the oldest first."""
        return await self._cards(await self._vault.find(CARD))

    async def search(
        self, *, type: str | None = None, claims: Mapping[str | Path, JsonValue] | None = None
    ) -> Sequence[Card]:
        """Return the cards of a type that have all these claims: path to text, number, true, false or null.

        A name alone is a claim of the subject, in any format; None in a path, or any index, is any element of an
        array. Raises InvalidInputError.
        """
        of_type = set() if type is None else {self._vault.tag(_TYPE, type.encode("utf-8", "replace"))}
        paths = {
            (path,) if isinstance(path, str) else check_path(path): value for path, value in (claims or {}).items()
        }
        wanted = {search_key(path, value) for path, value in paths.items()}
        tags = {self._vault.tag(_CLAIM, item) for item in wanted}
        found = list(await self._vault.find(CARD, of_type | tags))
        if wanted:
            crowded = await self._vault.find(CARD, of_type | {self._vault.tag(_CROWDED, b"")})
            for plain in await self._vault.read(crowded):
                if wanted <= search_keys(read_delivered(plain.content)):
                    found.append(plain.id)
        return await self._cards(found)

    async def get(self, card_id: str) -> CardContent:
        """Return a card with its claims. Raises NotFoundError."""
        card, delivered = await self._content(card_id)
        return CardContent(card=card, credential=delivered.text, claims=delivered.claims)

    async def keep_proof(self, card_id: str, proof: bytes) -> None:
        """Keep the issuer's proof of issuance beside a card, in place of an earlier one; goes with presentations.

        Raises NotFoundError, InvalidInputError, VerificationError (a proof of another credential).
        """
        _, delivered = await self._content(card_id)
        check_proof(proof, delivered)

        async def build() -> Batch:
            await self._check_there(_record_id(card_id))
            old = await proof_ids(self._vault, card_id)
            return Batch(puts=(proof_record(self._vault, card_id, proof),), deletes=old)

        await self._vault.write(build)

    async def issuance_proof(self, card_id: str) -> bytes | None:
        """Return the proof that goes to the verifier beside a presentation, or None. Raises NotFoundError."""
        await self._check_there(_record_id(card_id))
        return await read_proof(self._vault, card_id)

    async def present(
        self,
        card_id: str,
        claims: Iterable[Path] | None = None,
        *,
        audience: str,
        nonce: str,
        nested: bool = False,
        now: int | None = None,
    ) -> str:
        """Return a presentation for ``audience`` and its ``nonce``, once the history says so durably.

        Of an SD-JWT VC the claims at ``claims`` are shown, with ``nested`` also what lies in them; an empty list
        withholds all that can be. So it is of an ``ldp_vc`` of a suite with selective disclosure, of which what holds
        others is shown with ``nested`` only. Anything else is shown as a whole, and takes no ``claims``. A card that is
        bound to a key is bound to audience and nonce by it. Raises NotFoundError, InvalidInputError.
        """
        at = self._now() if now is None else now
        check_audience(audience)
        if not nonce:
            raise InvalidInputError("expected the nonce of the request")
        card, delivered = await self._content(card_id)
        presentation, paths = await build_presentation(
            delivered,
            claims,
            nested=nested,
            kms=self.kms,
            label=await self._label(delivered),
            audience=audience,
            nonce=nonce,
            now=at,
            jsonld_contexts=self._contexts,
        )
        await record_shown(self._vault, card, when=at, audience=audience, paths=paths)
        return presentation

    async def history(self, card_id: str | None = None) -> Sequence[Shown]:
        """Return what was shown to whom, the oldest first; of one card, also of one that was deleted."""
        return await read_history(self._vault, card_id)

    async def forget_history(self, *, before: int) -> int:
        """Erase what the history says of times before ``before``; return how many entries that were."""
        return await forget_history(self._vault, before=before)

    async def delete(self, card_id: str) -> None:
        """Erase a card, and its key if no other card is bound to it. The history stays. Raises NotFoundError."""
        record_id = _record_id(card_id)

        async def build() -> Batch:
            await self._check_there(record_id)
            card = (await self._cards([record_id]))[0]
            gone = [record_id, *await proof_ids(self._vault, card_id)]
            if card.key is not None:
                users = await self._vault.find(CARD, [self._vault.tag(_KEY, card.key.encode())])
                if set(users) == {record_id}:
                    gone += await self.kms.records_of(card.key)
            return Batch(deletes=tuple(gone))

        await self._vault.write(build)

    async def export(self, passphrase: str | bytes) -> bytes:
        """Return all cards, keys and the history as one file, sealed with a passphrase of its own."""
        cards = [await self._content(card.id) for card in await self.list()]
        content = Portable(
            format=FORMAT,
            cards=[portable_card(card, read.text, await self.issuance_proof(card.id)) for card, read in cards],
            keys=[
                PortableKey(label=info.label, purpose=info.purpose, exportable=info.exportable, jwk=private.to_jwk())
                for info, private in await self.kms.secrets()
            ],
            history=await self.history(),
        )
        return build_portable(content, passphrase)

    async def import_file(self, data: bytes, passphrase: str | bytes) -> Imported:
        """Take what ``export`` wrote into this wallet, all of it or nothing; what is here already stays as it is.

        The file is believed as far as its passphrase: issuers' signatures are not verified again. Raises
        InvalidInputError, VerificationError, KeyBindingError.
        """
        content = parse_portable(data, passphrase)
        keys = [key.open() for key in content.keys]
        cards = [(card, read_delivered(card.credential)) for card in content.cards]
        for card, delivered in cards:
            if card.issuance_proof is not None:
                check_proof(card.issuance_proof.encode(), delivered)
        own = {private.public_key for _, private in keys}
        result = Imported(cards=0, keys=0, history=0)

        async def build() -> Batch:
            nonlocal result
            taken = {record for category in (CARD, SHOWN, KEY) for record in await self._vault.find(category)}
            made = [await self.kms.record_for(info, private) for info, private in keys]
            new_keys, proofs = [record for record in made if record is not None], list[Plain]()
            new_cards: list[Plain] = []
            for card, delivered in cards:
                if delivered.key not in own:
                    await self._label(delivered)
                record_id = _record_id(card.id)
                if await self._vault.find(CARD, [self._same(delivered)]):
                    continue
                kept = card_of(
                    delivered,
                    new_id() if record_id in taken else record_id,
                    added_at=card.added_at,
                    verified_at=card.verified_at,
                )
                new_cards.append(self._plain(kept, delivered))
                if card.issuance_proof is not None:
                    proofs.append(proof_record(self._vault, kept.id, card.issuance_proof.encode()))
            shown = [each for each in content.history if _record_id(each.id) not in taken]
            seen = [shown_record(self._vault, each, number) for number, each in enumerate(shown, self.revision)]
            puts = (*new_keys, *new_cards, *proofs, *seen)
            if len({record.id for record in puts}) != len(puts):
                raise InvalidInputError("expected an exported wallet that has each record once")
            result = Imported(cards=len(new_cards), keys=len(new_keys), history=len(seen))
            return Batch(puts=puts)

        await self._vault.write(build)
        return result

    async def unlock_with(self, *ways: DataKeyWrap) -> None:
        """Let the wallet be opened by these ways only: a new passphrase, or one more device.

        The data key stays: who has an old copy of the store and an old passphrase can open that copy.
        """
        await self._vault.wrap_with(ways)

    async def destroy(self) -> None:
        """Erase the wallet with its data key, and close it; copies of the store become noise to whoever has no key."""
        await self._store.erase(self._vault.wallet)
        await self.close()

    async def __aenter__(self) -> Wallet:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Forget the keys, and release the store if this wallet opened it."""
        self._vault.close()
        if self._owns_store:
            self._owns_store = False
            await self._store.close()

    async def _cards(self, ids: Iterable[bytes]) -> tuple[Card, ...]:
        plains = await self._vault.read(ids, content=False)
        cards = [msgspec.json.decode(plain.summary, type=Card) for plain in plains]
        return tuple(sorted(cards, key=lambda card: (card.added_at, card.id)))

    async def _check_there(self, record_id: bytes) -> None:
        if record_id not in await self._vault.find(CARD):
            raise NotFoundError("the wallet has no such card")

    async def _content(self, card_id: str) -> tuple[Card, Delivered]:
        record_id = _record_id(card_id)
        await self._check_there(record_id)
        (plain,) = await self._vault.read([record_id])
        return msgspec.json.decode(plain.summary, type=Card), read_delivered(plain.content)

    async def _label(self, delivered: Delivered) -> str | None:
        """Return the label of the key that a credential is bound to, or None if it is bound to none."""
        if delivered.key is None:
            return None
        try:
            return await self.kms.label_of(delivered.key)
        except KeyNotFoundError as exc:
            raise KeyBindingError("the credential is bound to a key that is not of this wallet") from exc

    def _same(self, delivered: Delivered) -> bytes:
        return self._vault.tag(_TEXT, sha256(delivered.text.encode()).digest())

    def _plain(self, card: Card, delivered: Delivered) -> Plain:
        return Plain(
            id=_record_id(card.id),
            category=CARD,
            tags=self._tags(delivered) | {self._same(delivered)},
            summary=msgspec.json.encode(card),
            content=delivered.text.encode(),
        )

    def _tags(self, delivered: Delivered) -> frozenset[bytes]:
        tags = {self._vault.tag(_TYPE, name.encode()) for name in delivered.types}
        if delivered.key is not None:
            tags.add(self._vault.tag(_KEY, delivered.key.thumbprint().encode()))
        claims = search_keys(delivered)
        if len(claims) > MAX_TAGS:
            return frozenset(tags | {self._vault.tag(_CROWDED, b"")})
        return frozenset(tags | {self._vault.tag(_CLAIM, item) for item in claims})


def _record_id(card_id: str) -> bytes:
    try:
        return bytes.fromhex(card_id)
    except (ValueError, TypeError):
        raise NotFoundError("the wallet has no such card") from None
