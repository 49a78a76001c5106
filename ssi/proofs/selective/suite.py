"""What the cryptosuites with selective disclosure have in common: their shape, and what is shown of a document.

Source:  W3C Data Integrity ECDSA Cryptosuites v1.0, 3.5.4 (createDisclosureData), 3.5.9 (createVerifyData) and 3.6;
         Data Integrity BBS Cryptosuites v1.0, 3.3 and 3.4: the steps that are the same text in both.
Input:   documents from the gate, with the base proof that an issuer made.
Shapes:  a base proof goes from issuer to holder, a derived proof from holder to verifier; both stand in ``proof`` as a
         DataIntegrityProof. Pointers are JSON pointers into the document without its proof.
I/O:     none.
Errors:  InvalidInputError (a document or pointers that cannot be), VerificationError (what does not belong together),
         and those of ``ssi.proofs.selective.grouping``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from hashlib import sha256
from typing import ClassVar, NamedTuple, Self

import msgspec

from ssi.encoding.jsonld import Contexts, to_quads
from ssi.encoding.rdfc import canonicalize
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import Curve, PublicKey
from ssi.proofs.selective.grouping import (
    Grouped,
    canonicalize_and_group,
    disclosed_labels,
    named_lines,
    relative_indexes,
)
from ssi.proofs.selective.labels import LabelMapFactory, given_labels
from ssi.proofs.selective.pointers import check_pointers, select
from ssi.types import JsonObject


class SelectiveCryptosuite(ABC):
    """A suite whose base proofs name mandatory pointers: what every proof derived from them shows."""

    __slots__ = ("_mandatory",)

    name: ClassVar[str]
    curve: ClassVar[Curve]

    def __init__(self, mandatory_pointers: Sequence[str] = ()) -> None:
        """Say what every derived proof will show. Raises InvalidInputError for what is no JSON pointer.

        What is not mandatory a holder may leave out, the end of validity and the status too: ``core_pointers`` of
        ``ssi.proofs.selective.pointers`` names the members that an issuer should think of.
        """
        self._mandatory = check_pointers(list(mandatory_pointers))

    @abstractmethod
    def showing(self, mandatory_pointers: Sequence[str]) -> Self:
        """Return this suite with other mandatory pointers. Raises as the constructor."""

    def check_key(self, key: PublicKey) -> None:
        """Raise VerificationError unless ``key`` is of the type that this suite verifies with."""
        if key.curve is not self.curve:
            raise VerificationError(f"{self.name}: expected a key on {self.curve}, got one on {key.curve}")

    def configure(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return the proof without the @context of ``document``, which is there for canonicalization only."""
        return dict(options)

    def unsecured(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """Return ``document`` without its proofs. Raises VerificationError if the proof has another @context."""
        unsecured = dict(document)
        unsecured.pop("proof", None)
        if "@context" in options and options["@context"] != document.get("@context"):
            raise VerificationError(f"{self.name}: expected a proof without @context, or with that of the document")
        return unsecured

    def base_proof_of(self, document: JsonObject) -> tuple[JsonObject, JsonObject]:
        """Return ``document`` without its proofs, and its one proof of this suite. Raises InvalidInputError."""
        proofs = document.get("proof")
        found = [
            proof
            for proof in (proofs if isinstance(proofs, list) else [proofs])
            if isinstance(proof, dict) and proof.get("cryptosuite") == self.name
        ]
        if len(found) != 1 or not isinstance(found[0].get("proofValue"), str):
            raise InvalidInputError(f"expected a document with one {self.name} proof")
        return {name: member for name, member in document.items() if name != "proof"}, found[0]

    def refuse_chain(self, document: JsonObject) -> None:
        """A chain would put the base proof's predecessors into the document, of which a holder shows a part.

        Raises VerificationError.
        """
        if "proof" in document:
            raise VerificationError(f"{self.name}: expected a proof without previousProof")

    def config_hash(self, document: JsonObject, proof_config: JsonObject, contexts: Contexts) -> bytes:
        """Return SHA-256 of the canonical proof configuration, which is read under the document's @context."""
        if "@context" not in document:
            raise InvalidInputError(f"{self.name}: expected a document with @context")
        config = {**proof_config, "@context": document["@context"]}
        return canonicalize(to_quads(config, contexts=contexts, compact=True)).hash()

    def group(
        self, document: JsonObject, mandatory: Sequence[str], labels: LabelMapFactory, contexts: Contexts
    ) -> Grouped:
        """Return the lines of ``document``, which is no part of a chain, with the group ``mandatory``."""
        self.refuse_chain(document)
        return canonicalize_and_group(document, {"mandatory": mandatory}, labels, contexts=contexts)

    def read_shown(
        self, document: JsonObject, label_map: Mapping[str, str], mandatory: Sequence[int], contexts: Contexts
    ) -> Shown:
        """Return the lines of a derived ``document``, parted by the indexes ``mandatory``, which ascend.

        Raises VerificationError if the label map or the indexes do not fit it.
        """
        self.refuse_chain(document)
        lines = named_lines(document, given_labels(label_map), contexts=contexts)
        if mandatory and mandatory[-1] >= len(lines):
            raise VerificationError(f"{self.name}: expected indexes of statements that the document makes")
        chosen = set(mandatory)
        others = [line.encode() for index, line in enumerate(lines) if index not in chosen]
        return Shown(mandatory_hash(lines[index] for index in mandatory), others)

    def disclose(
        self,
        document: JsonObject,
        mandatory: Sequence[str],
        selective: Sequence[str],
        labels: LabelMapFactory,
        contexts: Contexts,
    ) -> Disclosure:
        """Return what the pointers show of ``document``.

        Raises InvalidInputError if they show nothing, JsonLdError if what they show would be refused by its verifier:
        a lone value that counts as no, out of an array of several (``ssi.encoding.jsonld.compact``).
        """
        self.refuse_chain(document)
        pointers = {"mandatory": mandatory, "selective": check_pointers(list(selective))}
        grouped = canonicalize_and_group(document, pointers, labels, contexts=contexts)
        revealed = select(document, [*pointers["mandatory"], *pointers["selective"]])
        if revealed is None:
            raise InvalidInputError(f"{self.name}: expected pointers to something, nothing is mandatory here")
        to_quads(revealed, contexts=contexts, compact=True)  # one item of an array may not be shown as it stands
        shown = sorted({*grouped.groups["mandatory"], *grouped.groups["selective"]})
        return Disclosure(
            document=deepcopy(revealed),
            grouped=grouped,
            label_map=disclosed_labels(grouped, shown),
            mandatory_indexes=tuple(relative_indexes(grouped.groups["mandatory"], shown)),
            selective_indexes=tuple(relative_indexes(grouped.groups["selective"], grouped.others("mandatory"))),
        )


class Shown(NamedTuple):
    """A derived document as its verifier reads it."""

    mandatory_hash: bytes
    others: list[bytes]
    """The lines that are not mandatory, in their order."""


class Disclosure(msgspec.Struct, frozen=True):
    """What a holder shows, and where it stands among what was signed."""

    document: JsonObject
    """The shown document, without proof; nothing in it is shared with the whole one."""
    grouped: Grouped
    """The whole document, with the groups ``mandatory`` and ``selective``."""
    label_map: Mapping[str, str]
    """From canonical labels of the shown document (``c14n0``) to the names in the lines."""
    mandatory_indexes: tuple[int, ...]
    """Of the shown lines, in their order, which are mandatory."""
    selective_indexes: tuple[int, ...]
    """Of the lines that are not mandatory, which are shown."""


def mandatory_hash(lines: Iterable[str]) -> bytes:
    """Return SHA-256 of the mandatory lines, one after the other (hashMandatoryNQuads)."""
    return sha256("".join(lines).encode()).digest()
