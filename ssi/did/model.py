"""Build pydid's model of a DID document, for those who want objects instead of JSON.

Source:  none; pydid 0.5 decides what it can model.
Shapes:  pydid fills in a missing ``@context`` and turns a string one into a list: its output is never hashed or signed.
I/O:     none. Importing pydid costs about 0.4 s, so that this module is imported on first use only.
Errors:  InvalidInputError if pydid refuses the document.
"""

from __future__ import annotations

import copy
import functools
import operator
from typing import Any, get_args

from ssi.errors import InvalidInputError
from ssi.types import JsonObject

# Their "one of these members" validators return a plain dictionary, which makes pydid refuse the whole document.
_BROKEN_IN_PYDID = frozenset({"EcdsaSecp256k1VerificationKey2019", "EcdsaSecp256k1RecoveryMethod2020"})


def build_model(raw: JsonObject) -> Any:
    """Return the pydid ``DIDDocument`` of ``raw``, which is left as it is. Raises InvalidInputError."""
    try:
        return _model_class().deserialize(copy.deepcopy(raw))
    except Exception as exc:
        # pydid lets pydantic's, its own and plain Python errors out; none of them may pass here.
        raise InvalidInputError(f"pydid cannot model this document ({type(exc).__name__})") from exc


@functools.cache
def _model_class() -> Any:
    """Return pydid's document class with the two verification methods that it cannot read taken as unknown ones."""
    from pydid import DIDDocument, DIDUrl
    from pydid.verification_method import KnownVerificationMethods, UnknownVerificationMethod

    known = tuple(kind for kind in get_args(KnownVerificationMethods) if kind.__name__ not in _BROKEN_IN_PYDID)
    method: Any = functools.reduce(operator.or_, (*known, UnknownVerificationMethod))
    annotations: dict[str, Any] = {"verification_method": list[method] | None}
    fields: dict[str, Any] = {"verification_method": None}
    for name in ("authentication", "assertion_method", "key_agreement", "capability_invocation"):
        annotations[name] = list[DIDUrl | method] | None
        fields[name] = None
    annotations["capability_delegation"] = annotations["authentication"]
    fields["capability_delegation"] = None
    return type("Document", (DIDDocument,), {"__module__": __name__, "__annotations__": annotations, **fields})
