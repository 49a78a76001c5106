"""The holder chooses what to show.

Source:  RFC 9901 section 7.2.
Input:   an SD-JWT that the holder verified when it arrived, and the paths of the claims to show.
Shapes:  paths as in ``paths.py``, in the payload with everything disclosed.
I/O:     none.
Errors:  InvalidInputError (no SD-JWT, no such claim), DisclosureError.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ssi.credentials.sd_jwt.key_binding import parse_bare
from ssi.credentials.sd_jwt.paths import ClaimPath, locate
from ssi.credentials.sd_jwt.process import Processed, process


def holder_view(sd_jwt: str) -> Processed:
    """Return all claims that ``sd_jwt`` can show, and which of them are the holder's to withhold.

    No signature is checked: this is for a credential that was verified before it was stored.
    """
    unverified = parse_bare(sd_jwt)
    return process(unverified.unverified_claims(), unverified.disclosures)


def present(sd_jwt: str, paths: Iterable[Sequence[str | int | None]], *, nested: bool = False) -> str:
    """Return ``sd_jwt`` with only the disclosures that show the claims at ``paths``.

    Whatever the chosen claims lie in is disclosed too, since a digest inside is of no use without it. What lies inside
    a chosen claim and could be withheld is withheld, unless ``nested`` is set. An empty ``paths`` withholds all.
    Raises InvalidInputError if there is no claim at a path.
    """
    view = holder_view(sd_jwt)
    chosen = locate(view.claims, paths)
    on_the_way: set[ClaimPath] = {path[:end] for path in chosen for end in range(1, len(path) + 1)}
    shown = {
        disclosure
        for path, disclosure in view.disclosed.items()
        if path in on_the_way or (nested and any(path[:end] in chosen for end in range(1, len(path))))
    }
    jws, *disclosures, _ = sd_jwt.split("~")
    return "~".join([jws, *(disclosure for disclosure in disclosures if disclosure in shown), ""])
