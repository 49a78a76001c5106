"""A key store on a PKCS#11 token: a hardware security module, a smart card, or SoftHSM.

Source:  PKCS#11 v2.40 (CKM_ECDSA, CKM_EC_KEY_PAIR_GEN) and v3.0 (CKM_EDDSA), RFC 7512 (the URL).
Input:   ``pkcs11:token=LABEL;object-prefix=TEXT?module-path=FILE&pin-source=FILE``, see ``pkcs11_url``.
Shapes:  a key is a private and a public object of one CKA_LABEL (prefix and label) and one CKA_ID, which is ASCII
         ``countersigned/<purpose>/<random>``. Keys of another CKA_ID are not ours and are left alone; an officer who
         makes keys with the vendor's tool gives them such an identifier. Messages are hashed here, not on the token.
I/O:     the token, from threads; nothing before the first use, so that a store may be made before a process forks.
Errors:  those of the ``Kms`` port; InvalidInputError (the token does not do this curve), and those of ``pkcs11_token``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from hashlib import sha256, sha384, sha512
from secrets import token_hex
from typing import Any, Final, Self, TypeVar

import msgspec

from ssi.errors import ConflictError, InvalidInputError, KeyNotFoundError, ProofPurposeError, UnavailableError
from ssi.keys.backends.pkcs11_objects import Found, find_keys, generate_pair, private_value, sign_raw
from ssi.keys.backends.pkcs11_token import Line, Token
from ssi.keys.backends.pkcs11_url import check_pin, parse_token_url, read_pin
from ssi.keys.curves import FACTS, Curve
from ssi.keys.kms import KeyInfo, KeyPurpose, Kms
from ssi.keys.private import PrivateKey
from ssi.keys.public import PublicKey

Result = TypeVar("Result")

CACHE_SECONDS: Final = 30.0
"""How long ``sign`` uses a key that it looked up: this long after another process relabelled it, it still signs."""
_DIGEST: Final = {Curve.P256: sha256, Curve.P384: sha384, Curve.P521: sha512, Curve.SECP256K1: sha256}


class _Held(msgspec.Struct, frozen=True):
    """A key handle in the cache of a session."""

    info: KeyInfo
    private: Any
    until: float
    version: int


class Pkcs11Kms:
    """``Kms`` on a token. Calls run in threads, each with a session of its own, and so beside each other."""

    def __init__(self, token: Token, *, object_prefix: str = "") -> None:
        """Use ``Pkcs11Kms.open``."""
        self._token = token
        self._prefix = object_prefix
        self._version = 0
        self._changing = threading.Lock()

    @classmethod
    def open(cls, url: str, *, pin: str | bytes | None = None) -> Self:
        """Return the store that ``url`` names; ``pin`` if no ``pin-source`` gives it.

        Raises InvalidInputError for a URL that is not understood, a file that is no module, or two PINs or none.
        """
        address = parse_token_url(url)
        if (pin is None) == (not address.pin_source):
            raise InvalidInputError("expected the PIN of the token either as pin-source in the URL or as passphrase")
        text = None if pin is None else check_pin(pin)
        token = Token(address, lambda: read_pin(address.pin_source) if text is None else text)
        return cls(token, object_prefix=address.object_prefix)

    async def generate(self, label: str, *, curve: Curve, purpose: KeyPurpose, exportable: bool = False) -> PublicKey:
        """As ``Kms.generate``. Raises InvalidInputError if the token does not make keys on ``curve``."""
        _check_label(label)

        def work(line: Line) -> PublicKey:
            if find_keys(line.session, self._prefix + label):
                raise ConflictError(f"a key with the label {label} is already there")
            identifier = f"countersigned/{purpose}/{token_hex(8)}".encode("ascii")
            made = generate_pair(line.session, self._prefix + label, identifier, curve, exportable=exportable)
            # A token does not keep labels apart: of two processes that made one at a time, each sees the other here.
            if len(find_keys(line.session, self._prefix + label)) > 1:
                made.destroy()
                raise ConflictError(f"another process made a key with the label {label} at the same time")
            return made.public_key()

        return await self._run(work, changes=True)

    async def find(self, label: str) -> KeyInfo:
        """As ``Kms.find``."""
        return await self._run(lambda line: self._info(label, self._find(line, label)))

    async def labels(self, purpose: KeyPurpose | None = None) -> Sequence[str]:
        """As ``Kms.labels``."""

        def work(line: Line) -> list[str]:
            found = [key for key in find_keys(line.session) if key.label.startswith(self._prefix)]
            return sorted(key.label[len(self._prefix) :] for key in found if purpose in (None, key.purpose))

        return await self._run(work)

    async def public_key(self, label: str) -> PublicKey:
        """As ``Kms.public_key``."""
        return await self._run(lambda line: self._find(line, label).public_key())

    async def sign(self, label: str, message: bytes, *, purpose: KeyPurpose) -> bytes:
        """As ``Kms.sign``."""
        return await self._run(lambda line: self._sign(line, label, message, purpose))

    async def sign_many(self, label: str, messages: Sequence[bytes], *, purpose: KeyPurpose) -> Sequence[bytes]:
        """As ``Kms.sign_many``; over all sessions at once."""
        import asyncio

        waiting = deque(enumerate(messages))
        signatures: dict[int, bytes] = {}

        def work(line: Line) -> None:
            self._held(line, label, purpose)  # An empty sequence is refused for the same reasons as a full one.
            while waiting:
                try:
                    item = waiting.popleft()
                except IndexError:
                    return
                try:
                    signatures[item[0]] = self._sign(line, label, item[1], purpose)
                except BaseException:
                    waiting.append(item)  # For the same thread on a new session, if that is what it comes to.
                    raise

        threads = max(1, min(self._token.limit, len(waiting)))
        ends = await asyncio.gather(*(self._run(work) for _ in range(threads)), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and (waiting or not isinstance(end, UnavailableError)):
                raise end
        return [signatures[number] for number in range(len(messages))]

    async def bbs_sign(
        self,
        label: str,
        *,
        header: bytes,
        messages: Sequence[bytes],
        purpose: KeyPurpose,
        commitment: bytes | None = None,
    ) -> bytes:
        """Raise InvalidInputError: PKCS#11 has no mechanism for BBS, so that its keys live in other stores."""
        raise InvalidInputError("a PKCS#11 token makes no BBS signatures: keep BLS12-381 keys in another key store")

    async def export(self, label: str) -> PrivateKey:
        """As ``Kms.export``."""

        def work(line: Line) -> PrivateKey:
            key = self._find(line, label)
            if not key.exportable():
                raise ProofPurposeError(f"key {label} was not made exportable")
            return PrivateKey.from_raw(key.curve(), private_value(key))

        return await self._run(work)

    async def relabel(self, label: str, new_label: str, *, purpose: KeyPurpose) -> None:
        """As ``Kms.relabel``."""
        _check_label(new_label)

        def work(line: Line) -> None:
            key = self._find(line, label)
            before = key.purpose
            if purpose is not before and (before, purpose) != (KeyPurpose.DID_NEXT, KeyPurpose.DID_UPDATE):
                raise ProofPurposeError(f"a {before} key never becomes a {purpose} key")
            if new_label != label and find_keys(line.session, self._prefix + new_label):
                raise ConflictError(f"a key with the label {new_label} is already there")
            key.rename(self._prefix + new_label, purpose)

        await self._run(work, changes=True)

    async def delete(self, label: str) -> None:
        """As ``Kms.delete``."""
        await self._run(lambda line: self._find(line, label).destroy(), changes=True)

    async def close(self) -> None:
        """Close the sessions and log out; the store may be used again and then opens new ones."""
        import asyncio

        await asyncio.get_running_loop().run_in_executor(None, self._token.close)

    async def _run(self, work: Callable[[Line], Result], *, changes: bool = False) -> Result:
        """Run ``work`` in a thread with a session. What changes the token is not repeated and goes one at a time."""
        import asyncio

        def run() -> Result:
            if not changes:
                return self._token.run(work, repeat=True)
            with self._changing:
                try:
                    return self._token.run(work, repeat=False)
                finally:
                    self._version += 1

        return await asyncio.get_running_loop().run_in_executor(self._token.executor, run)

    def _find(self, line: Line, label: str) -> Found:
        found = find_keys(line.session, self._prefix + label)
        if not found:
            raise KeyNotFoundError(f"no key has the label {label}")
        if len(found) > 1:
            raise UnavailableError(f"the token has several keys with the label {label}: destroy all but one")
        return found[0]

    def _info(self, label: str, key: Found) -> KeyInfo:
        return KeyInfo(label, key.purpose, key.curve(), key.exportable())

    def _held(self, line: Line, label: str, purpose: KeyPurpose) -> _Held:
        held = line.cache.get(label)
        now = time.monotonic()
        if not isinstance(held, _Held) or held.version != self._version or held.until < now:
            version = self._version
            line.cache.pop(label, None)
            key = self._find(line, label)
            held = _Held(self._info(label, key), key.private, now + CACHE_SECONDS, version)
            line.cache[label] = held
        if held.info.purpose is not purpose:
            raise ProofPurposeError(f"key {label} is a {held.info.purpose} key, not a {purpose} key")
        return held

    def _sign(self, line: Line, label: str, message: bytes, purpose: KeyPurpose) -> bytes:
        import pkcs11

        for again in (True, False):
            held = self._held(line, label, purpose)
            curve = held.info.curve
            data = message if curve is Curve.ED25519 else _DIGEST[curve](message).digest()
            try:
                signature = self._sign_on_token(held.private, curve, data)
            except (pkcs11.KeyHandleInvalid, pkcs11.ObjectHandleInvalid):
                line.cache.pop(label, None)  # Destroyed by another process since it was looked up.
                if not again:
                    raise
                continue
            if len(signature) != FACTS[curve].signature_length:
                raise UnavailableError(f"the token gave a {curve} signature of {len(signature)} bytes")
            return signature
        raise AssertionError("unreachable")

    def _sign_on_token(self, private: Any, curve: Curve, data: bytes) -> bytes:
        """Return the token's signature: the one call that waits for its arithmetic."""
        return sign_raw(private, curve, data)


def open_url(url: str, *, passphrase: str | bytes | None = None) -> Kms:
    """Open ``pkcs11:…``; the passphrase is the PIN, if the URL has no ``pin-source``."""
    return Pkcs11Kms.open(url, pin=passphrase)


def _check_label(label: str) -> None:
    if not label or not label.isprintable():
        raise InvalidInputError("expected a printable label for a key on a token")
