"""Change the did:ethr of an organisation: from its own account, or signed by it and sent by a relay's.

Source:  ERC-1056; ETHR DID Method Specification, "Update", "Delete (Revoke)", "Replay Attacks".
Input:   a change (``ssi.did.ethr.changes``), a DID, and the account that pays.
Shapes:  amounts of gas are units; a block is a number.
I/O:     JSON-RPC through the account's chain; the signer's.
Errors:  ConflictError (another account controls the DID, or it is deactivated, or the nonce moved on; nothing was
         sent), InvalidInputError and GuardError (the change), VerificationError (the chain refused it),
         UnavailableError (not taken, or the outcome is unknown: resolve the DID before asking again).

For organisations only. A person's identifier on a chain could be followed by anybody and erased by nobody: persons have
DIDs that are computed from keys.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from ssi.did.backends.ethr import EthrRegistry, standing
from ssi.did.ethr.changes import (
    AddDelegate,
    Change,
    ChangeOwner,
    RevokeAttribute,
    RevokeDelegate,
    Signature,
    check_change,
    payload,
    signed_digest,
)
from ssi.did.ethr.events import AttributeChanged, DelegateChanged, Event
from ssi.did.ethr.identifier import EthrDid, parse_ethr_did
from ssi.did.ethr.networks import same_address_elsewhere
from ssi.did.ethr.signed import SignedChange
from ssi.errors import ConflictError, InvalidInputError, RpcError, UnavailableError, VerificationError
from ssi.net.evm.account import Account, Receipt, Sent
from ssi.net.evm.signer import EvmSigner, recoverable

__all__ = ["Applied", "EthrController", "sign_change"]

GAS_MARGIN: Final = (5, 4)
"""What is offered for an estimate: a block later another slot may be written for the first time."""


class Applied(msgspec.Struct, frozen=True):
    """A change that is on the chain: the version id of the document that it made, and what it cost."""

    version_id: str
    gas_used: int


class EthrController:
    """Makes changes through one account, which pays for them.

    The account's nonces, fees and stuck transactions are the account's own affair (``ssi.net.evm.account``).
    """

    def __init__(
        self, registry: EthrRegistry, account: Account, *, poll_seconds: float = 1.0, wait_seconds: float = 1800.0
    ) -> None:
        """``wait_seconds`` bounds how long a change waits to be final."""
        if account.chain.chain_id != registry.network.chain_id:
            raise InvalidInputError("the account is on another chain than the registry")
        self.registry: Final = registry
        self.account: Final = account
        self._poll_seconds = poll_seconds
        self._wait_seconds = wait_seconds

    async def apply(self, did: str, change: Change, *, final: bool = True) -> Applied:
        """Make ``change`` to a DID that the account controls.

        Returns when the change is final, as the registry's chain has it, or with ``final=False`` once it is in a block.
        """
        parsed = self._parsed(did)
        await _owner_of(self.registry, parsed, change, expected=self.account.signer.address)
        return await self._send(payload(change, parsed.address), final=final)

    async def relay(self, signed: SignedChange, *, final: bool = True) -> Applied:
        """Send a change that the DID's owner signed; the account of this controller pays. Else as ``apply``."""
        parsed = self._parsed(signed.did)
        network = self.registry.network
        if (signed.chain_id, signed.registry) != (network.chain_id, network.registry):
            raise InvalidInputError("the change was signed for the registry of another network")
        owner = await _owner_of(self.registry, parsed, signed.change)
        if await _nonce(self.registry, parsed, owner, signed.change) != signed.nonce:
            raise ConflictError("the change was signed for another nonce: it was sent already, or something else was")
        return await self._send(signed.call, final=final)

    def _parsed(self, did: str) -> EthrDid:
        parsed = parse_ethr_did(did)
        if not self.registry.network.has(parsed):
            raise InvalidInputError("the DID is on another network than the registry")
        return parsed

    async def _send(self, call: bytes, *, final: bool) -> Applied:
        to = self.registry.network.registry
        try:
            gas = await self.account.estimate(to, call) * GAS_MARGIN[0] // GAS_MARGIN[1]
        except RpcError as exc:
            raise VerificationError(f"the registry would refuse the change: {exc.reason}") from exc
        sent = await self.account.send(to, call, gas=gas)
        receipt = await self._settled(sent, final=final)
        if not receipt.succeeded:
            raise VerificationError(f"the registry refused the change in block {receipt.block}")
        return Applied(str(receipt.block), receipt.gas_used)

    async def _settled(self, sent: Sent, *, final: bool) -> Receipt:
        """Wait for a transaction to be in a block, and for the block to be final; a fork may take it out again."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._wait_seconds
        seen = False
        while True:
            receipt = await self.account.look(sent)
            if receipt is not None and not final:
                return receipt
            if receipt is not None:
                # Asked again after the final block is known: before, a fork could have come between the two answers.
                head = await self.registry.chain.final()
                again = await self.account.look(sent)
                if again is not None and again.block <= head.number:
                    return again
            else:
                await self.account.urge(sent, now=seen)
            seen = receipt is not None
            if loop.time() > deadline:
                raise UnavailableError("the change is not final yet: its outcome is unknown")
            await asyncio.sleep(self._poll_seconds)


async def sign_change(
    registry: EthrRegistry, did: str, change: Change, signer: EvmSigner, *, accept_replay: bool = False
) -> SignedChange:
    """Return ``change``, signed by the account that controls ``did``, for a relay to send.

    A signature counts for the next nonce only: sign the next change when this one is on the chain. Two kinds can be
    sent again by whoever saw them, and are signed only with ``accept_replay``: changes on a network whose registry has
    the same address on others (the signature names no chain), and, on registries with legacy nonces, owners and
    delegates of a DID whose owner changed (its nonce is read at one place and counted at another).
    Raises ConflictError if another account controls the DID, InvalidInputError for what can be replayed.
    """
    parsed = parse_ethr_did(did)
    network = registry.network
    if not network.has(parsed):
        raise InvalidInputError("the DID is on another network than the registry")
    owner = await _owner_of(registry, parsed, change, expected=signer.address)
    if not accept_replay:
        if others := same_address_elsewhere(network):
            names = ", ".join(str(other.name) for other in others)
            raise InvalidInputError(f"the signature would count on {names} as well: send the change, or accept that")
        if _counted_elsewhere(registry, parsed, owner, change):
            raise InvalidInputError("this registry does not count such a signature: it could be sent again for ever")
    nonce = await _nonce(registry, parsed, owner, change)
    digest = signed_digest(change, parsed.address, registry=network.registry, nonce=nonce)
    bit, r, s = await recoverable(signer, digest)
    signature = Signature(27 + bit, r, s)
    return SignedChange(did, change, network.chain_id, network.registry, nonce, signature)


async def _owner_of(registry: EthrRegistry, did: EthrDid, change: Change, *, expected: bytes | None = None) -> bytes:
    """Return the account that controls ``did`` at the newest block, if ``change`` may be made to it.

    Raises ConflictError if the DID is deactivated, or if that is not the ``expected`` account, and what
    ``check_change`` raises: but what stands in the registry may be taken back, whatever it says.
    """
    undoes = isinstance(change, RevokeAttribute | RevokeDelegate)
    if not undoes:
        check_change(change)
    history = await registry.history_at(did.address, await registry.chain.newest())
    if undoes and not any(_undoes(change, event) for event in history.events):
        check_change(change)
    found = standing(history, did.address)
    # The contract would take the change; every reader would ignore it.
    if found.deactivated:
        raise ConflictError(f"{did.did} is deactivated")
    if expected is not None and found.owner != expected:
        raise ConflictError(f"another account than this one controls {did.did}")
    return found.owner


def _undoes(change: Change, event: Event) -> bool:
    """Tell whether ``change`` takes back what ``event`` made."""
    if isinstance(change, RevokeAttribute) and isinstance(event, AttributeChanged):
        return (change.name, change.value) == (event.name, event.value)
    if isinstance(change, RevokeDelegate) and isinstance(event, DelegateChanged):
        return (change.kind, change.account) == (event.kind, event.delegate)
    return False


async def _nonce(registry: EthrRegistry, did: EthrDid, owner: bytes, change: Change) -> int:
    """Return the nonce that the registry will put into the digest."""
    block = await registry.chain.newest()
    of_owner = isinstance(change, ChangeOwner | AddDelegate | RevokeDelegate) or not registry.network.legacy_nonce
    return await registry.nonce(owner if of_owner else did.address, block)


def _counted_elsewhere(registry: EthrRegistry, did: EthrDid, owner: bytes, change: Change) -> bool:
    """Tell whether a legacy registry reads the owner's nonce for this change, and counts the identity's."""
    if not registry.network.legacy_nonce or owner == did.address:
        return False
    return isinstance(change, ChangeOwner | AddDelegate | RevokeDelegate)
