"""Keys as objects on a PKCS#11 token: make, find, read, rename, sign.

Source:  PKCS#11 v2.40 sections on EC keys (CKA_EC_PARAMS, CKA_EC_POINT) and v3.0 on Edwards keys; RFC 5480 and RFC 8410
         (object identifiers), X.690 (the DER around a point).
Shapes:  as ``ssi.keys.backends.pkcs11``. Tokens differ in how they write curve and point of an Edwards key: all forms
         in use are read, and the two in use are tried when a key is made.
I/O:     the session that is given.
Errors:  InvalidInputError (the token does not do this curve), UnavailableError (an object is not what a key has to be);
         errors of ``python-pkcs11`` pass through to the caller's session handling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ssi.errors import InvalidInputError, UnavailableError
from ssi.keys.curves import FACTS, Curve
from ssi.keys.kms import KeyPurpose
from ssi.keys.public import PublicKey

if TYPE_CHECKING:
    from pkcs11.types import Session

_PARAMS: Final[dict[Curve, tuple[bytes, ...]]] = {
    Curve.P256: (bytes.fromhex("06082a8648ce3d030107"),),
    Curve.P384: (bytes.fromhex("06052b81040022"),),
    Curve.P521: (bytes.fromhex("06052b81040023"),),
    Curve.SECP256K1: (bytes.fromhex("06052b8104000a"),),
    Curve.ED25519: (
        bytes.fromhex("06032b6570"),
        b"\x13\x0cedwards25519",
        bytes.fromhex("06092b06010401da470f01"),
    ),
}
"""CKA_EC_PARAMS; the first is written, and for Ed25519 the second if the token refuses the first."""
_CURVE_OF: Final = {params: curve for curve, known in _PARAMS.items() for params in known}
_PURPOSE_OF: Final = {purpose.encode("ascii"): purpose for purpose in KeyPurpose}
_UNSUPPORTED: Final = frozenset(
    {
        "ArgumentsBad",
        "AttributeTypeInvalid",
        "AttributeValueInvalid",
        "DomainParamsInvalid",
        "FunctionNotSupported",
        "KeySizeRange",
        "MechanismInvalid",
        "MechanismParamInvalid",
        "TemplateInconsistent",
    }
)


class Found:
    """A key on the token: its private object with what its attributes say."""

    def __init__(self, session: Session, private: Any, label: str, identifier: bytes, purpose: KeyPurpose) -> None:
        self.session: Final = session
        self.private: Final = private
        self.label: Final = label
        self.identifier: Final = identifier
        self.purpose: Final = purpose

    def curve(self) -> Curve:
        """Return the curve, as the public object says."""
        from pkcs11 import Attribute

        params = bytes(self._public()[Attribute.EC_PARAMS])
        try:
            return _CURVE_OF[params]
        except KeyError:
            raise UnavailableError(f"the key on the token is on none of {', '.join(Curve)}") from None

    def public_key(self) -> PublicKey:
        """Return the public key."""
        from pkcs11 import Attribute

        curve = self.curve()
        point = _point(curve, bytes(self._public()[Attribute.EC_POINT]))
        try:
            return PublicKey.from_raw(curve, point)
        except InvalidInputError as exc:
            raise UnavailableError("the token gives a public key that is no point of its curve") from exc

    def exportable(self) -> bool:
        """Tell whether the token gives the private value away."""
        from pkcs11 import Attribute

        return bool(self.private[Attribute.EXTRACTABLE]) and not self.private[Attribute.SENSITIVE]

    def rename(self, label: str, purpose: KeyPurpose) -> None:
        """Write label and purpose. The private object, which decides, comes last: a crash before it changes nothing."""
        from pkcs11 import Attribute

        identifier = b"/".join((b"countersigned", purpose.encode("ascii"), self.identifier.split(b"/", 2)[2]))
        public = self._public()
        for key in (public, self.private):
            if purpose is not self.purpose:
                key[Attribute.ID] = identifier
            if label != self.label:
                key[Attribute.LABEL] = label

    def destroy(self) -> None:
        """Destroy both objects, the private one first."""
        public = self._publics()
        self.private.destroy()
        for key in public:
            key.destroy()

    def _public(self) -> Any:
        found = self._publics()
        if not found:
            raise UnavailableError("the token has the private but not the public object of this key")
        return found[0]

    def _publics(self) -> list[Any]:
        """Return the public objects of this key; a rename that was cut off left the other purpose on it."""
        from pkcs11 import Attribute, ObjectClass

        random = self.identifier.split(b"/", 2)[2]
        purposes = [self.purpose]
        if self.purpose in (KeyPurpose.DID_NEXT, KeyPurpose.DID_UPDATE):
            purposes += {KeyPurpose.DID_NEXT, KeyPurpose.DID_UPDATE} - {self.purpose}
        for purpose in purposes:
            identifier = b"/".join((b"countersigned", purpose.encode("ascii"), random))
            wanted = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.ID: identifier}
            if found := list(self.session.get_objects(wanted)):
                return found
        return []


def parse_id(identifier: bytes) -> KeyPurpose | None:
    """Return the purpose that a CKA_ID says, or None if it is not one of ours."""
    parts = identifier.split(b"/", 2)
    return _PURPOSE_OF.get(parts[1]) if len(parts) == 3 and parts[0] == b"countersigned" else None


def find_keys(session: Session, label: str | None = None) -> list[Found]:
    """Return our keys on the token, those of one CKA_LABEL or all."""
    from pkcs11 import Attribute, ObjectClass

    wanted: dict[Attribute, Any] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
    if label is not None:
        wanted[Attribute.LABEL] = label
    found = []
    for private in list(session.get_objects(wanted)):
        known = private.get_attributes([Attribute.LABEL, Attribute.ID])
        identifier = bytes(known.get(Attribute.ID) or b"")
        purpose = parse_id(identifier)
        if purpose is not None:
            found.append(Found(session, private, str(known.get(Attribute.LABEL)), identifier, purpose))
    return found


def generate_pair(session: Session, label: str, identifier: bytes, curve: Curve, *, exportable: bool) -> Found:
    """Make a key pair on the token. Raises InvalidInputError if it does not make keys on ``curve``."""
    import pkcs11
    from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag

    purpose = parse_id(identifier)
    if purpose is None:
        raise InvalidInputError("expected a CKA_ID that names a purpose")
    if curve not in _PARAMS:
        raise InvalidInputError(f"PKCS#11 knows no {curve} keys: keep them in another key store")
    edwards = curve is Curve.ED25519
    needed = (
        {Mechanism.EC_EDWARDS_KEY_PAIR_GEN, Mechanism.EDDSA}
        if edwards
        else {
            Mechanism.EC_KEY_PAIR_GEN,
            Mechanism.ECDSA,
        }
    )
    if not needed <= set(session.token.slot.get_mechanisms()):
        raise InvalidInputError(f"the token has no mechanism for {curve} keys")
    refusal: Exception | None = None
    for params in _PARAMS[curve][:2]:
        domain = session.create_domain_parameters(
            KeyType.EC_EDWARDS if edwards else KeyType.EC, {Attribute.EC_PARAMS: params}, local=True
        )
        try:
            _, private = domain.generate_keypair(
                id=identifier,
                label=label,
                store=True,
                capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
                private_template={Attribute.SENSITIVE: not exportable, Attribute.EXTRACTABLE: exportable},
            )
        except pkcs11.PKCS11Error as exc:
            # Some tokens have one answer for everything: if this one still answers, it was the curve.
            vague = type(exc).__name__ in {"GeneralError", "FunctionFailed"} and not find_keys(session, label)
            if type(exc).__name__ not in _UNSUPPORTED and not vague:
                raise
            refusal = exc
            continue
        return Found(session, private, label, identifier, purpose)
    kind = "exportable " if exportable else ""
    raise InvalidInputError(f"the token does not make {kind}{curve} keys ({type(refusal).__name__})") from refusal


def private_value(key: Found) -> bytes:
    """Return the scalar or seed of an exportable key, in the width of its curve."""
    from pkcs11 import Attribute

    width = FACTS[key.curve()].coordinate_length
    value = bytes(key.private[Attribute.VALUE])
    if len(value) == width + 2 and value.startswith(bytes((4, width))):
        return value[2:]
    if len(value) > width:
        value = value.lstrip(b"\x00")
    return value.rjust(width, b"\x00")


def sign_raw(private: Any, curve: Curve, data: bytes) -> bytes:
    """Return the signature over the message (Ed25519), or over its digest."""
    from pkcs11 import Mechanism

    mechanism = Mechanism.EDDSA if curve is Curve.ED25519 else Mechanism.ECDSA
    return bytes(private.sign(data, mechanism=mechanism))


def _point(curve: Curve, value: bytes) -> bytes:
    """Return the point without the DER that most tokens, but not all, put around it."""
    if curve is Curve.ED25519:
        if len(value) == 34 and value[:2] == b"\x04\x20":
            return value[2:]
        return value[3:] if len(value) == 35 and value[:3] == b"\x03\x21\x00" else value
    length = 2 * FACTS[curve].coordinate_length + 1
    head = bytes((4, length)) if length < 0x80 else bytes((4, 0x81, length))
    return value[len(head) :] if len(value) == length + len(head) and value.startswith(head) else value
