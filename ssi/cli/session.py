"""What one command works with: ledger, keys, registry, network, opened from options and the project file, closed after.

Input:   the options that ``ssi.cli.command`` adds, each of which goes before what the project file says.
Shapes:  a reader's registry stands at the newest checkpoint that a configured key signed; times are Unix seconds.
I/O:     opens what is asked for, once, and closes all of it in ``close``.
Errors:  InvalidInputError (something needed was not said), NotFoundError (it is not there), those of what is opened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ssi.cli.output import Output
from ssi.cli.passphrase import read_passphrase
from ssi.cli.project import KeyStore, Project
from ssi.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from ssi.did.resolver import Resolver
    from ssi.keys import Kms
    from ssi.ledger import Ledger
    from ssi.ledger.note import NoteKey
    from ssi.ledger.quorum import Pin, Quorum
    from ssi.net import HttpDoor
    from ssi.ports import Fetch
    from ssi.registry import Organisation, Registry, RegistryFollower


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The options that many commands have."""

    project: str | None = None
    as_json: bool = False
    ledger: str | None = None
    roots: tuple[str, ...] = ()
    vkeys: tuple[str, ...] = ()
    keys: str | None = None
    passphrase_file: str | None = None
    passphrase_env: str | None = None


class Session:
    """One run of one command."""

    def __init__(self, options: Options, *, may_found: bool = False) -> None:
        """Read the project file, which only a command that writes it may name before it is there."""
        self.options: Final = options
        self.output: Final = Output(as_json=options.as_json)
        self.project = Project.load(options.project, may_be_absent=may_found)
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self._ledger: Ledger | None = None
        self._stores: dict[str, Kms] = {}
        self._registry: Registry | None = None
        self._follower: RegistryFollower | None = None
        self._door: HttpDoor | None = None

    def now(self) -> int:
        """Return the time now."""
        import time

        return int(time.time())

    def reload_project(self) -> None:
        """Read the project file again, after something was added to it."""
        self.project = Project.load(str(self.project.path))

    def closing(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have ``close`` called at the end of the command."""
        self._closing.append(close)

    async def close(self) -> None:
        """Close what was opened, the last first."""
        while self._closing:
            await self._closing.pop()()

    # --- ledger ---------------------------------------------------------------------------------------------------

    @property
    def has_ledger(self) -> bool:
        """Whether options or project file name a ledger."""
        return bool(self.options.ledger or self.project.ledger.url)

    def ledger(self, *, create: bool = False, keys: Sequence[NoteKey] = ()) -> Ledger:
        """Return the ledger; with ``create`` it is made if it is absent. Raises NotFoundError without.

        A log on the web is read under ``keys``, by default those that are configured.
        """
        if self._ledger is None:
            from ssi.ledger import open_ledger

            url = self.ledger_url()
            if not create and not is_there(url):
                raise NotFoundError("there is no ledger where it was said to be")
            remote = url.startswith(("https:", "evm+"))
            believed = keys or self.note_keys()
            # Who writes to a PostgreSQL log says where its head is kept; a reader needs none, and makes no tables.
            writes = create or not url.startswith("postgresql:") or "head=" in url
            self._ledger = open_ledger(url, create=writes, keys=believed, fetch=self.fetch() if remote else None)
            self.closing(self._ledger.close)
        return self._ledger

    def ledger_url(self) -> str:
        """Return the ledger's URL. Raises InvalidInputError if nobody said it."""
        if self.options.ledger:
            return self.options.ledger if ":" in self.options.ledger else as_url(self.options.ledger)
        if self.project.ledger.url:
            return self.project.url(self.project.ledger.url)
        raise InvalidInputError("no ledger: name one by --ledger, or in the project file")

    def roots(self) -> tuple[str, ...]:
        """Return the root accreditors. Raises InvalidInputError if nobody said them."""
        roots = self.options.roots or self.project.ledger.roots
        if not roots:
            raise InvalidInputError("no root accreditor: name one by --root, or in the project file")
        return roots

    def note_keys(self) -> list[NoteKey]:
        """Return the keys that may sign the ledger's checkpoints; none if nobody said any."""
        from ssi.ledger.note import parse_vkey

        return [parse_vkey(text) for text in self.options.vkeys or self.project.ledger.checkpoint_keys]

    def quorum(self) -> Quorum | None:
        """Return the witnesses that the project file asks for, None where it names none. Raises InvalidInputError."""
        from ssi.ledger.quorum import parse_quorum

        settings = self.project.ledger
        return parse_quorum([witness.key for witness in settings.witnesses], settings.required_witnesses)

    def pin(self) -> Pin | None:
        """Return where the last checkpoint believed is kept, None if the project file does not say."""
        from ssi.ledger.quorum import FilePin

        name = self.project.ledger.pin
        return None if name is None else FilePin(self.project.file(name))

    async def follower(self) -> RegistryFollower:
        """Return the registry as a reader has it, brought up to date."""
        if self._follower is None:
            from ssi.registry import RegistryFollower

            keys = self.note_keys()
            self._follower = RegistryFollower(
                self.ledger(),
                roots=self.roots(),
                keys=keys,
                quorum=self.quorum() if keys else None,
                pin=self.pin() if keys else None,
            )
            await self._follower.refresh()
        return self._follower

    async def registry(self) -> Registry:
        """Return the registry as its operator has it: with the checkpoint key."""
        if self._registry is None:
            from ssi.registry import open_registry

            origin = self.project.ledger.origin
            if origin is None:
                raise InvalidInputError("no origin of the ledger: it stands in the project file")
            store = self.project.ledger.keys
            kms = self.kms() if store is None else self._open_store(self._own(store), "the ledger's key store")
            self._registry = await open_registry(
                self.ledger(), origin=origin, roots=self.roots(), kms=kms, now=self.now
            )
        return self._registry

    # --- keys and organisations -----------------------------------------------------------------------------------

    def kms(self, *, create: bool = False) -> Kms:
        """Return the key store; with ``create`` it is made if it is absent. Raises NotFoundError without."""
        given, said = self.options, self.project.keys
        if given.keys is None:
            store = said
        else:
            store = KeyStore(store=given.keys if ":" in given.keys else f"file:{given.keys}")
        return self._open_store(self.opened_by(store), "the key store", create=create, given=given.keys is not None)

    def _own(self, store: KeyStore) -> KeyStore:
        """Return ``store`` as the project has it: the options of a command speak of the other store."""
        file = store.passphrase_file
        found = None if file is None else str(self.project.file(file))
        return KeyStore(store=store.store, passphrase_file=found, passphrase_env=store.passphrase_env)

    def opened_by(self, store: KeyStore) -> KeyStore:
        """Return ``store`` with the passphrase options of the command in place of the project's."""
        given = self.options
        if given.passphrase_file is None and given.passphrase_env is None:
            return self._own(store)
        return KeyStore(store=store.store, passphrase_file=given.passphrase_file, passphrase_env=given.passphrase_env)

    def key_store(self, store: KeyStore, what: str) -> Kms:
        """Return a key store that the project names besides its own."""
        return self._open_store(self._own(store), what)

    def _open_store(self, store: KeyStore, what: str, *, create: bool = False, given: bool = False) -> Kms:
        if store.store is None:
            raise InvalidInputError("no key store: name one by --keys, or in the project file")
        url = store.store if given else self.project.url(store.store)
        if url not in self._stores:
            from ssi.keys import open_kms

            new = not is_there(url)
            if new and not create:
                raise NotFoundError("there is no key store where it was said to be")
            passphrase = None if url == "memory:" else self.passphrase(what, store, confirm=new)
            self._stores[url] = open_kms(url, passphrase=passphrase)
        return self._stores[url]

    def passphrase(self, what: str, store: KeyStore, *, confirm: bool = False) -> bytes:
        """Return the passphrase of ``store``, asking for it if nobody said where it is."""
        return read_passphrase(what, file=store.passphrase_file, env=store.passphrase_env, confirm=confirm)

    async def organisation(self, name: str) -> Organisation:
        """Return an organisation of the project, as the ledger has it. Raises DidNotFoundError."""
        from ssi.registry import Organisation

        did = self.project.organisation(name).did
        return await Organisation.open(name, did, kms=self.kms(), registry=await self.registry(), now=self.now())

    # --- network --------------------------------------------------------------------------------------------------

    def fetch(self) -> Fetch:
        """Return the way out to the web, as the project file configures it."""
        return self.door()

    def door(self) -> HttpDoor:
        """Return the way out to the web with its POST, for servers that the operator named."""
        if self._door is None:
            from ssi.net import HttpDoor

            network = self.project.network
            ca_file = None if network.ca_file is None else self.project.file(network.ca_file)
            self._door = HttpDoor(ca_file=ca_file, proxy=network.proxy)
        return self._door

    async def resolver(
        self,
        *,
        network: bool = True,
        now: Callable[[], int] | None = None,
        did: str | None = None,
        evm_nodes: Sequence[str] = (),
    ) -> Resolver:
        """Return a resolver over the ledger, if there is one, and the web and the project's chains, if ``network``.

        ``evm_nodes`` are asked about the network of ``did``.
        """
        from ssi.cli.networks import registries
        from ssi.did.resolver import default_resolver

        source = await self.follower() if self.has_ledger else None
        return default_resolver(
            fetch=self.fetch() if network else None,
            log_source=source,
            now=now or self.now,
            ethr=registries(self, did=did, nodes=evm_nodes) if network else (),
        )


def as_url(path: str) -> str:
    """Return the URL of a SQLite ledger that was named by its path."""
    from urllib.parse import quote

    return f"sqlite://{quote(str(Path(path).absolute()))}"


def is_there(url: str) -> bool:
    """Tell whether what a ``file:`` or ``sqlite:`` URL names exists; of other URLs the answer is yes.

    Opening a file makes it, which is no answer to a mistyped name.
    """
    from urllib.parse import unquote

    scheme, _, rest = url.partition(":")
    if scheme not in ("file", "sqlite"):
        return True
    path = unquote(rest.partition("?")[0]) if scheme == "sqlite" else rest
    return Path("/" + path.lstrip("/") if path.startswith("/") else path).exists()
