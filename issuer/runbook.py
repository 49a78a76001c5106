"""Runbooks: replace a credential key, and issue again what it signed, however long that takes.

Source:  decisions 15 and 16 of the design (``docs/adr/0001``).
Input:   an issuer, and the folder in which one run keeps its state.
Shapes:  ``plan.json`` says what is to be done and how far it is, ``journal`` has a line for each case that is done,
         ``credentials/N.txt`` is the new credential in place of row N, ``issued.jsonl`` lists what the key signed. No
         claims are kept. Times are Unix seconds.
I/O:     the folder and the issuer. A file is on disk before the step after it begins.
Errors:  those of the issuer; NotFoundError and ConflictError (the folder is of no run, or of another one).

Every step may be repeated: a run that was killed at any point goes on where it stopped, and hands out each credential
once, under one identifier. A case that cannot be issued again is in the journal with its reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from ssi.durable import replace_file
from ssi.encoding.gate import parse_object
from ssi.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    SsiError,
    UnavailableError,
)
from ssi.keys import KeyPurpose
from ssi.status.lists import CredentialState
from ssi.types import JsonObject

from .issuer import Claims, Issuer
from .store import Issued

Step: TypeAlias = Literal["list", "rotate", "declare", "lists", "select", "reissue", "publish", "done"]
Kind: TypeAlias = Literal["rotate-key", "compromised-key"]

STEPS: Final[dict[str, tuple[Step, ...]]] = {
    "rotate-key": ("rotate", "lists", "select", "reissue", "publish", "done"),
    "compromised-key": ("list", "rotate", "declare", "lists", "select", "reissue", "publish", "done"),
}
PUBLISH_EVERY: Final = 1_000
"""After how many cases the lists are published, so that replaced credentials do not stay good until the end."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run."""

    v: Literal[1] = 1
    kind: Kind
    did: str
    key: str
    """Label of the key that is replaced."""
    kid: str
    step: Step
    """What comes next."""
    started_at: int
    numbers: tuple[int, ...] | None = None
    """The rows to issue again; None until they were selected."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is."""

    kind: str
    key: str
    step: str
    total: int
    done: int
    left_out: dict[str, str]
    """Row number and reason of what was not issued again."""
    paused: bool


class Runbook:
    """One run in its folder. ``start`` makes it, ``open`` finds it again, ``run`` goes on with it."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._journal = _read_journal(folder / "journal")

    @classmethod
    async def start(cls, folder: Path, issuer: Issuer, *, kind: Kind, now: int, key: str | None = None) -> Runbook:
        """Begin a run for the key with the label ``key``; by default for the one that signs credentials now.

        Another key than that counts as replaced already, such as in a key ceremony.
        """
        if (folder / "plan.json").exists():
            raise ConflictError("this folder has a run already: resume it, or use another folder")
        label = key or (await issuer.identity.key(KeyPurpose.CREDENTIAL)).label
        kid = f"{issuer.did}#{label.partition('/')[2].replace('/', '-')}"
        plan = Plan(kind=kind, did=issuer.did, key=label, kid=kid, step=STEPS[kind][0], started_at=now)
        (folder / "credentials").mkdir(parents=True, exist_ok=True)
        book = cls(folder, plan)
        book._keep(plan)
        return book

    @classmethod
    def open(cls, folder: Path) -> Runbook:
        """Return the run in ``folder``. Raises NotFoundError, InvalidInputError."""
        try:
            data = (folder / "plan.json").read_bytes()
        except OSError as exc:
            raise NotFoundError("this folder has no run") from exc
        try:
            return cls(folder, msgspec.convert(parse_object(data, max_bytes=64 << 20), Plan))
        except msgspec.ValidationError as exc:
            raise InvalidInputError("expected the plan of a run") from exc

    @property
    def progress(self) -> Progress:
        """How far the run is."""
        left_out = {str(number): reason for number, reason in self._journal.items() if reason}
        return Progress(
            kind=self._plan.kind,
            key=self._plan.key,
            step=self._plan.step,
            total=len(self._plan.numbers or ()),
            done=len(self._journal) - len(left_out),
            left_out=left_out,
            paused=(self._folder / "pause").exists(),
        )

    def pause(self) -> None:
        """Have the run stop after the case that it is at, in whatever process it is."""
        (self._folder / "pause").touch()

    async def run(
        self,
        issuer: Issuer,
        *,
        claims: Claims | None = None,
        limit: int | None = None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> Progress:
        """Go on until all is done, somebody pauses the run, or ``limit`` cases were issued again.

        ``claims`` is asked for the claims of each case; without it, types must keep them.
        """
        if issuer.did != self._plan.did:
            raise ConflictError("this run is of another issuer")
        (self._folder / "pause").unlink(missing_ok=True)
        while self._plan.step != "done":
            if self._plan.step == "reissue":
                if not await self._reissue(issuer, claims, limit, advance):
                    await issuer.publish()
                    return self.progress
            else:
                await self._take(self._plan.step, issuer)
            steps = STEPS[self._plan.kind]
            self._keep(msgspec.structs.replace(self._plan, step=steps[steps.index(self._plan.step) + 1]))
        return self.progress

    async def _take(self, step: Step, issuer: Issuer) -> None:
        plan = self._plan
        if step == "list":
            await self._list_issued(issuer)
        elif step == "rotate":
            if (await issuer.identity.key(KeyPurpose.CREDENTIAL)).label == plan.key:
                await issuer.rotate_key()
        elif step == "declare":
            await issuer.declare_compromised(plan.kid)
        elif step == "select":
            numbers = [row.number async for row in issuer.issued(key=plan.key) if _current(row)]
            self._keep(msgspec.structs.replace(plan, numbers=tuple(numbers)))
        elif not await issuer.publish(everything=step == "lists"):
            raise UnavailableError("the ledger did not take the lists' commitments: resume the run later")

    async def _reissue(
        self, issuer: Issuer, claims: Claims | None, limit: int | None, advance: Callable[[int], None]
    ) -> bool:
        """Issue again what is not done yet; return whether nothing is left."""
        count = 0
        for number in self._plan.numbers or ():
            if number in self._journal:
                continue
            if count == limit or (self._folder / "pause").exists():
                return False
            count += 1
            reason = ""
            try:
                issued = await issuer.renew(number, claims=claims)
            except UnavailableError:
                raise
            except SsiError as exc:  # one case that cannot be helped must not hold up the others
                reason = str(exc).replace("\n", " ")
            else:
                replace_file(self._folder / "credentials" / f"{number}.txt", issued.credential.encode())
            _append(self._folder / "journal", f"{number} {reason}\n".encode())
            self._journal[number] = reason
            advance(1)
            if count % PUBLISH_EVERY == 0:
                await issuer.publish()
        return True

    async def _list_issued(self, issuer: Issuer) -> None:
        lines = [
            msgspec.json.encode(
                {
                    "number": row.number,
                    "reference": row.reference,
                    "type": row.type,
                    "format": row.format,
                    "id": row.id,
                    "issued_at": row.issued_at,
                    "valid_until": row.valid_until,
                    "state": row.state.name,
                    "replaced": row.replaced_by is not None,
                }
            )
            async for row in issuer.issued(key=self._plan.key)
        ]
        replace_file(self._folder / "issued.jsonl", b"".join(line + b"\n" for line in lines))

    def _keep(self, plan: Plan) -> None:
        replace_file(self._folder / "plan.json", msgspec.json.encode(plan))
        self._plan = plan


def read_claims(path: Path) -> Claims:
    """Return what answers for the claims of a reference, from a file of lines ``{"reference": …, "claims": …}``.

    Raises NotFoundError, InvalidInputError; asked for a reference that the file does not have, InvalidInputError.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as exc:
        raise NotFoundError(f"{path.name} cannot be read") from exc
    found: dict[str, JsonObject] = {}
    for number, line in enumerate(lines, 1):
        row = parse_object(line)
        reference, claims = row.get("reference"), row.get("claims")
        if row.keys() != {"reference", "claims"} or not isinstance(reference, str) or not isinstance(claims, dict):
            raise InvalidInputError(f"{path.name}, line {number}: expected a reference and claims")
        found[reference] = claims

    def claims_of(reference: str) -> JsonObject:
        try:
            return found[reference]
        except KeyError:
            raise InvalidInputError("the file of claims has no line for this case") from None

    return claims_of


def _current(row: Issued) -> bool:
    return row.replaced_by is None and row.state is CredentialState.VALID


def _read_journal(path: Path) -> dict[int, str]:
    """Return the cases that are done and why not, where not; a line that a crash cut off does not count."""
    if not path.exists():
        return {}
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        replace_file(path, whole)
    rows = (line.partition(" ") for line in whole.decode().splitlines())
    return {int(number): reason for number, _, reason in rows}


def _append(path: Path, line: bytes) -> None:
    with path.open("ab") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
