"""Which texts may stand on the ledger: rules G04, G05, G06 and G12 of the admission guard.

Source:  the project's answerability text, section 6.
Input:   one string member of a ledger entry and its path, for the message.
Shapes:  texts are ASCII; a URL is https with host and path only, percent escapes are decoded before the search.
I/O:     none.
Errors:  GuardError: G04 an identifier of a person, G05 free text with digits of a person's number, G06 an opaque
         token, G12 a URL with query, fragment or user part. Messages name the member, never its value.

Whether a text means a person is not decidable here; these rules refuse the forms in which registers write people:
key-based DIDs, e-mail addresses, telephone and register numbers, and opaque tokens that could be a hash or pseudonym.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from ssi.errors import GuardError

MAX_TEXT: Final = 300

ORGANISATION_METHODS: Final = frozenset({"webvh", "web", "ethr"})
"""DID methods with a public history or host; did:key, did:jwk and did:peer are how people are named."""

_DIGITS: Final = re.compile(r"[0-9]{6}")
_PHONE: Final = re.compile(r"\+[0-9]|[0-9](?:[ ().-]*[0-9]){8}")
_WORD: Final = re.compile(r"[A-Za-z0-9]{20,}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{20,}")
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_URL: Final = re.compile(
    r"https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?\Z"
)
_URN: Final = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9-]{1,31}:[A-Za-z0-9._~:/-]+\Z")
_NAME: Final = re.compile(r"[A-Za-z0-9._~:/-]+\Z")
_ETHR: Final = re.compile(r"(?:[a-z][a-z:-]{0,40}:|0x[0-9A-Fa-f]{1,16}:)?0x(?:[0-9A-Fa-f]{40}|0[23][0-9A-Fa-f]{64})")
"""Network, by name or by chain id, and account: nothing in it is anybody's own words."""
_DID: Final = re.compile(r"did:[a-z0-9]+:[A-Za-z0-9.:%_-]+")
_FRAGMENT: Final = re.compile(r"[A-Za-z0-9._~-]{1,160}")
_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def check_did(did: str, where: str) -> None:
    """Refuse a DID that is not an organisation's (G04) or whose path carries a number of six digits (G05)."""
    parts = did.split(":")
    if len(parts) < 3 or parts[0] != "did" or parts[1] not in ORGANISATION_METHODS:
        raise GuardError("G04", f"{where} is not a DID of a method for organisations")
    if parts[1] == "ethr":
        if not _ETHR.fullmatch(":".join(parts[2:])):
            raise GuardError("G04", f"{where} is a did:ethr of something else than a network and an account")
        return
    # The self-certifying identifier of did:webvh is a hash; what follows it was chosen by someone.
    chosen = _decoded(" ".join(parts[3:] if parts[1] == "webvh" else parts[2:]))
    refuse_numbers(chosen, where)


def check_method_id(method_id: str, where: str) -> None:
    """Check the id of a verification method: a DID, if there is one, and a fragment that is a word or made of a key."""
    did, _, fragment = method_id.partition("#")
    if did:
        check_did(did, where)
    if not _FRAGMENT.fullmatch(fragment):
        raise GuardError("G05", f"{where} has a fragment that is no name of a key")
    # Fragments cut from the key itself are eight characters or more of Base58 or base64url, which hold digits by
    # chance; a number has digits alone.
    words = re.split(r"[._~-]", fragment)
    if any(word.isdecimal() and len(word) >= 6 for word in words):
        raise GuardError("G05", f"{where} holds a number")
    if not any(char.isalpha() for char in fragment):
        refuse_numbers(fragment, where)


def check_url(url: str, where: str) -> None:
    """Refuse a URL that could name a person: it is https with a host and a path of plain words."""
    if "?" in url or "#" in url:
        raise GuardError("G12", f"{where} has a query or a fragment")
    if any("@" in authority for authority in url.split("/", 3)[2:3]):
        raise GuardError("G12", f"{where} has a user part")
    match = _URL.match(url)
    if match is None or _PERCENT.search(url):
        raise GuardError("G12", f"{where} is not an https URL of plain ASCII")
    text = _decoded(f"{match[1]}{match[3] or ''}")
    refuse_numbers(text, where)
    _refuse_tokens(text, where)


def check_uri(uri: str, where: str) -> None:
    """Check an https URL, a DID of an organisation or a URN; anything else is refused with G12."""
    if uri.startswith("did:"):
        did, _, fragment = uri.partition("#")
        if not _DID.fullmatch(did):
            raise GuardError("G12", f"{where} is a DID with a path or a query")
        if fragment:
            check_method_id(uri, where)
        check_did(did, where)
    elif _URN.match(uri):
        check_name(uri, where)
    else:
        check_url(uri, where)


def check_name(name: str, where: str) -> None:
    """Check a technical name, such as a credential type: a URL or a short ASCII word, never prose."""
    if name.startswith(("https:", "http:")):
        check_url(name, where)
        return
    if len(name) > MAX_TEXT or not _NAME.match(name):
        raise GuardError("G05", f"{where} is free text, not a name")
    if name.startswith("did:"):
        check_did(name, where)
    if "thumbprint" in name.lower():
        raise GuardError("G04", f"{where} is a key thumbprint")
    refuse_numbers(name, where)
    _refuse_tokens(name, where)


def _decoded(text: str) -> str:
    """Return a text without percent escapes, however often they were escaped themselves."""
    while (decoded := unquote(text)) != text:
        text = decoded
    return text


def refuse_numbers(text: str, where: str) -> None:
    """Refuse an e-mail address (G04), a telephone number and any run of six digits (G05)."""
    if "@" in text:
        raise GuardError("G04", f"{where} holds what looks like an e-mail address")
    if _DIGITS.search(text) or _PHONE.search(text):
        raise GuardError("G05", f"{where} holds a run of digits that could number a person")


def _refuse_tokens(text: str, where: str) -> None:
    for word in _WORD.findall(text):
        if not word.isalpha():
            raise GuardError("G06", f"{where} holds an opaque run of letters and digits")
    for token in _TOKEN.findall(text):
        # Base64url also uses "-" and "_"; three classes of characters tell it from a hyphenated word.
        if any(c.islower() for c in token) and any(c.isupper() for c in token) and any(c.isdigit() for c in token):
            raise GuardError("G06", f"{where} holds an opaque run of letters and digits")
    if _UUID.search(text):
        raise GuardError("G06", f"{where} holds a UUID")
