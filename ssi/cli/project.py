"""The project file: where ledger, keys and stores of one organisation are, so that commands need not be told each time.

Input:   a TOML file, ``ssi.toml`` in the working directory unless another one is named.
Shapes:  tables ``ledger``, ``keys``, ``network``, ``organisations.NAME`` and ``[[ethr]]``; other tables belong to
         the commands of the roles, which read them by ``section``. Relative paths start at the file's folder.
I/O:     reads one file; ``append`` adds to its end.
Errors:  InvalidInputError, NotFoundError. Passphrases never stand in here: only where to find them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from urllib.parse import quote, unquote

import msgspec

from ssi.errors import InvalidInputError, NotFoundError, UnavailableError
from ssi.types import JsonObject

DEFAULT_NAME: Final = "ssi.toml"
MAX_PROJECT_BYTES: Final = 1 << 20
_WITH_FILES: Final = ("sqlite", "postgresql", "evm+https", "evm+http")
_FILE_OPTIONS: Final = frozenset({"head", "mirror", "key_file", "passphrase_file", "ca_file"})
"""Options of ledgers that name a file. Those of PostgreSQL's own client are left as that reads them."""

Section = TypeVar("Section")


class KeyStore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key store, and where its passphrase is."""

    store: str | None = None
    """``file:PATH``, or the URL of a plug-in."""
    passphrase_file: str | None = None
    passphrase_env: str | None = None
    """Name of the environment variable that holds it."""


class WitnessSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A witness of the ledger."""

    key: str
    """Its key for cosignatures (``name+id+key``)."""
    url: str | None = None
    """Where the operator asks for its cosignatures; readers need none."""


class LedgerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ledger, and what is believed of it."""

    url: str | None = None
    origin: str | None = None
    """The log's name in its checkpoints."""
    roots: tuple[str, ...] = ()
    """DIDs of the root accreditors."""
    checkpoint_keys: tuple[str, ...] = ()
    """Keys that may sign its checkpoints (``name+id+key``)."""
    witnesses: tuple[WitnessSettings, ...] = ()
    """Who sees every head of the ledger."""
    required_witnesses: int = 0
    """How many of them must have cosigned the checkpoint that a reader believes."""
    pin: str | None = None
    """The file in which a reader keeps the last checkpoint that it believed."""
    keys: KeyStore | None = None
    """The operator's key store, if it is not that of ``keys``."""


class OrganisationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One organisation whose keys are here."""

    did: str
    log: str
    """The file that is served as its did.jsonl."""
    witnesses: tuple[str, ...] = ()
    """Servers that are asked to approve its new lines."""


class NetworkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to get out."""

    ca_file: str | None = None
    proxy: str | None = None


class EthrSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A network that did:ethr DIDs are on, and the nodes that tell of it."""

    network: str
    """A name of the method's list, or one's own with ``chain_id`` and ``registry``."""
    nodes: tuple[str, ...]
    agree: int = 1
    """How many of the nodes have to say the same."""
    finality: Literal["finalized", "safe"] | int = "finalized"
    """Or how many blocks lie above a final one."""
    chain_id: int | None = None
    registry: str | None = None
    """The address of the registry."""
    legacy_nonce: bool = False
    ca_file: str | None = None
    key_file: str | None = None
    """The key of the account that changes DIDs and pays; readers need none."""
    passphrase_file: str | None = None
    passphrase_env: str | None = None


class Project:
    """A project file as it was read, or an empty one for a folder that has none."""

    def __init__(self, path: Path, members: JsonObject) -> None:
        """Use ``Project.load``."""
        self.path: Final = path
        self.folder: Final = path.absolute().parent
        self._members = members
        self.ledger: Final = self.section("ledger", LedgerSettings) or LedgerSettings()
        self.keys: Final = self.section("keys", KeyStore) or KeyStore()
        self.network: Final = self.section("network", NetworkSettings) or NetworkSettings()
        self.ethr: Final = self._convert("ethr", members.get("ethr", []), _NETWORKS)
        self.organisations: Final = self._convert("organisations", members.get("organisations", {}), _ORGANISATIONS)

    @classmethod
    def load(cls, path: str | None, *, may_be_absent: bool = False) -> Project:
        """Read the file at ``path``; without one, ``ssi.toml`` if it is there.

        Raises NotFoundError if a named file is not there and has to be, InvalidInputError if it is no project file.
        """
        import tomllib

        location = Path(path or DEFAULT_NAME)
        if (path is None or may_be_absent) and not location.exists():
            return cls(location, {})
        try:
            with location.open("rb") as file:
                data = file.read(MAX_PROJECT_BYTES + 1)
        except OSError as exc:
            raise NotFoundError(f"the project file {location.name} cannot be read") from exc
        if len(data) > MAX_PROJECT_BYTES:
            raise InvalidInputError(f"{location.name}: expected at most {MAX_PROJECT_BYTES} bytes")
        try:
            return cls(location, tomllib.loads(data.decode("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
            raise InvalidInputError(f"{location.name}: expected a TOML file: {exc}") from exc

    @property
    def tables(self) -> JsonObject:
        """Everything that the file says, not to be changed."""
        return self._members

    def section(self, name: str, shape: type[Section]) -> Section | None:
        """Return the table ``name`` as ``shape``, or None if the file has none. Raises InvalidInputError."""
        return self._convert(name, self._members[name], shape) if name in self._members else None

    def organisation(self, name: str) -> OrganisationSettings:
        """Return what the file says of an organisation. Raises NotFoundError."""
        try:
            return self.organisations[name]
        except KeyError:
            raise NotFoundError(f"{self.path.name} names no organisation {name}") from None

    def file(self, name: str) -> Path:
        """Return a path that the file names, from the file's folder."""
        return self.folder / name

    def url(self, url: str) -> str:
        """Return the URL of a store or a ledger with every path in it made absolute from the file's folder.

        That is the path of ``file:``, ``sqlite:`` and ``tiles:``, and the options of a ledger that name files.
        """
        scheme, colon, rest = url.partition(":")
        path, question, options = rest.partition("?")
        if scheme in _WITH_FILES and question:
            url = f"{scheme}:{path}?{'&'.join(self._option(each) for each in options.split('&'))}"
            path, _, options = url.removeprefix(f"{scheme}:").partition("?")
        if not colon or scheme not in ("file", "sqlite", "tiles") or rest.startswith("/") or not rest:
            return url
        return f"{scheme}:{'//' if scheme == 'sqlite' else ''}{self.folder / path}{question}{options}"

    def _option(self, option: str) -> str:
        name, equals, value = option.partition("=")
        place = unquote(value)
        if name == "tiles" and place.startswith("tiles:"):
            return f"{name}{equals}{quote(self.url(place), safe='/:')}"
        if name not in _FILE_OPTIONS or not value or value.startswith(("/", "%2F", "%2f")):
            return option
        return f"{name}{equals}{quote(str(self.folder), safe='/:')}/{value}"

    def append(self, table: str, members: JsonObject) -> None:
        """Add a table at the end of the file, which is made if it is absent. Raises UnavailableError."""
        lines = [f"[{table}]", *(f"{name} = {_toml(value)}" for name, value in members.items()), ""]
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n".join([*([""] if file.tell() else []), *lines]))
        except OSError as exc:
            raise UnavailableError(f"the project file {self.path.name} cannot be written") from exc

    def _convert(self, name: str, value: Any, shape: type[Section]) -> Section:
        try:
            return msgspec.convert(value, shape)
        except msgspec.ValidationError as exc:
            raise InvalidInputError(f"{self.path.name}: table {name}: {exc}") from exc


_NETWORKS: Final = tuple[EthrSettings, ...]
_ORGANISATIONS: Final = dict[str, OrganisationSettings]


def _toml(value: str | list[str]) -> str:
    """Write a string, or a list of strings: JSON's escapes are among those of TOML, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
