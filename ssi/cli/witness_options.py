"""The options that say who must approve a DID's lines.

Source:  did:webvh 1.0, "DID Witnesses" (the parameter ``witness``).
I/O:     none.
Errors:  InvalidInputError (a witness that is no did:key, twice the same, a threshold above their number).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ssi.errors import InvalidInputError

if TYPE_CHECKING:
    from ssi.did.webvh import WitnessRule

Function = TypeVar("Function", bound=Callable[..., Any])


def witness_options(function: Function) -> Function:
    """Add the options that say who must approve a DID's lines."""
    threshold = click.option(
        "--threshold", type=click.IntRange(1), help="How many of the witnesses must approve (default: all)."
    )
    ids = click.option(
        "--witness", "ids", metavar="DID", multiple=True, help="A did:key; may be repeated. None: no witnesses."
    )
    return ids(threshold(function))


def witness_rule(ids: tuple[str, ...], threshold: int | None) -> WitnessRule:
    """Return the rule that the options name; none without witnesses."""
    from ssi.did.webvh.witness import NO_WITNESSES, parse_witness_rule

    if not ids:
        if threshold is not None:
            raise InvalidInputError("a threshold is of witnesses: name them by --witness")
        return NO_WITNESSES
    return parse_witness_rule({"threshold": threshold or len(ids), "witnesses": [{"id": each} for each in ids]})
