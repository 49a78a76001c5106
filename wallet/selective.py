"""Choose what to show of a credential with a base proof, from which its holder derives.

Source:  W3C Data Integrity ECDSA Cryptosuites v1.0, 3.6.6; Data Integrity BBS Cryptosuites v1.0, 3.4.6.
Input:   an ``ldp_vc`` as its issuer delivered it.
Shapes:  claim paths start at the root of the credential (``("credentialSubject", "name")``); a pointer is the JSON
         pointer that selects such a path, and with it whatever lies below.
I/O:     none.
Errors:  InvalidInputError, and those of ``ssi.proofs.derive``.

The id and the type of an object are shown wherever any of it is: without them it would be another object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ssi.credentials.sd_jwt.paths import ClaimPath, locate, path_text
from ssi.encoding.jsonld import Contexts
from ssi.errors import InvalidInputError
from ssi.proofs.derive import derive_proof, mandatory_pointers_of
from ssi.proofs.selective.pointers import KEPT, find, parse_pointer, pointer_to
from ssi.types import JsonObject, JsonValue


def withholdable(document: JsonObject) -> dict[ClaimPath, str] | None:
    """Return the path of all that a holder may show or not, and its pointer; None if the proof is no base proof."""
    mandatory = mandatory_pointers_of(document)
    if mandatory is None:
        return None
    claims = {name: value for name, value in document.items() if name != "proof"}
    shown = _Shown(_path(claims, pointer) for pointer in mandatory)
    return {path: _pointer(path) for path in _members(claims, ()) if not shown.has(path)}


def shown_to_oneself(document: JsonObject, contexts: Contexts) -> list[JsonObject]:
    """Return documents whose proofs hold if and only if those of ``document`` do, base proofs included.

    A base proof is checked as a verifier would check it of a holder who shows everything; the other proofs of a set
    stay as they are.
    """
    if mandatory_pointers_of(document) is None:
        return [document]
    everything = [pointer_to((name,)) for name in document if name not in ("proof", "@context")]
    derived = derive_proof(document, selective_pointers=everything, contexts=contexts)
    proofs = document["proof"] if isinstance(document["proof"], list) else [document["proof"]]
    suite = derived["proof"]["cryptosuite"]
    others = [proof for proof in proofs if proof.get("cryptosuite") != suite]
    return [derived, {**document, "proof": others}] if others else [derived]


def derive(
    document: JsonObject,
    claims: Iterable[Sequence[str | int | None]],
    pointers: dict[ClaimPath, str],
    *,
    nested: bool,
    contexts: Contexts,
) -> tuple[JsonObject, list[str]]:
    """Return the credential that shows the claims at these paths, and which of ``pointers`` that shows.

    ``pointers`` is what ``withholdable`` returned. What holds others is shown with all of them, and so only if
    ``nested`` agrees to that.
    """
    body = {name: value for name, value in document.items() if name != "proof"}
    chosen = locate(body, claims)
    for path in chosen:
        if not nested and isinstance(find(body, tuple(map(str, path))), dict | list):
            raise InvalidInputError(f"expected claims that hold no others, or nested, at {path_text(path)}")
    derived = derive_proof(document, selective_pointers=sorted(map(_pointer, chosen)), contexts=contexts)
    if "credentialSubject" not in derived:
        raise InvalidInputError("expected to show something of the subject: a credential about nobody is none")
    shown = _Shown(chosen)
    return derived, [pointer for path, pointer in pointers.items() if shown.has(path)]


def _pointer(path: ClaimPath) -> str:
    return pointer_to([step for step in path if step is not None])


class _Shown:
    """What is shown with these paths: they themselves, what they hold, and what holds them."""

    def __init__(self, paths: Iterable[ClaimPath]) -> None:
        self._whole = set(paths)
        self._outer = {path[:end] for path in self._whole for end in range(1, len(path))}

    def has(self, path: ClaimPath) -> bool:
        return path in self._outer or any(path[:end] in self._whole for end in range(1, len(path) + 1))


def _path(value: JsonValue, pointer: str) -> ClaimPath:
    """Return the path of ``pointer``, with numbers for elements of arrays."""
    path: list[str | int] = []
    for token in parse_pointer(pointer):
        path.append(int(token) if isinstance(value, list) else token)
        value = find(value, (token,))
    return tuple(path)


def _members(value: JsonValue, path: ClaimPath) -> Iterator[ClaimPath]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name not in KEPT:
                yield (*path, name)
                yield from _members(member, (*path, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield (*path, index)
            yield from _members(member, (*path, index))
