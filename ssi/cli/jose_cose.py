"""``ssi jose-cose``: secure one document with one key, or verify one, as W3C's suite for VC-JOSE-COSE asks for it.

Source:  W3C Securing Verifiable Credentials using JOSE and COSE; the command line of its test suite.
Input:   a document (JSON) or what was secured (a compact JWT or SD-JWT, base64 of a COSE_Sign1), and a verification
         method with its ``publicKeyJwk``, to issue also its ``secretKeyJwk``.
Shapes:  out comes a file ``{"result": "success" | "failure" | "indeterminate", "data": "…"}``; ``data`` is what was
         secured, the document that was verified, or why not.
I/O:     the three files. Nothing is fetched: contexts are allowed by URL, and whose key it is, is the caller's word.
Errors:  what is wrong with the document or what secures it is a result; what is wrong with the command is an error.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

import click

from ssi.cli.command import TIME, action
from ssi.cli.files import read_input, write_output
from ssi.cli.output import Answer, facts
from ssi.cli.program import CommandTree
from ssi.encoding.gate import parse_json, parse_object
from ssi.errors import InvalidInputError, SsiError, UnavailableError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.cli.session import Session

FEATURES: Final = tuple(f"{what}_{how}" for what in ("credential", "presentation") for how in ("jose", "cose", "sdjwt"))
EXAMPLES: Final = "https://www.w3.org/ns/credentials/examples/v2"
_STEP: Final = re.compile(r"(?:^|\.)([^.\[\]]+)|\[([0-9]{1,6})\]")


@click.group(cls=CommandTree, place="jose-cose")
def command() -> None:
    """Secure a document with JOSE, SD-JWT or COSE, or verify one, without a project."""


def _options(function: Any) -> Any:
    for option in (
        click.option("--at", type=TIME, help="The time to sign or verify at (default: now)."),
        click.option(
            "--extension",
            "extensions",
            metavar="NAME",
            multiple=True,
            help="A top-level member that is allowed beside those of the data model; may be repeated.",
        ),
        click.option(
            "--context",
            "contexts",
            metavar="URL",
            multiple=True,
            default=(EXAMPLES,),
            show_default=True,
            help="A context that is allowed beside the base context; may be repeated.",
        ),
        click.option("--output", required=True, metavar="FILE", help="Where the result is written."),
        click.option("--feature", required=True, type=click.Choice(FEATURES), help="What, secured by what."),
        click.option("--key", "key_file", required=True, metavar="FILE", help="The verification method (JSON)."),
        click.option("--input", "input_file", required=True, metavar="FILE", help="The document, or what secures it."),
    ):
        function = option(function)
    return function


@command.command()
@_options
@click.option("--sd", metavar="JSON", help='What the holder may withhold: ["credentialSubject.name", "evidence[0]"].')
@action
async def issue(
    session: Session,
    input_file: str,
    key_file: str,
    feature: str,
    output: str,
    contexts: tuple[str, ...],
    extensions: tuple[str, ...],
    at: int | None,
    sd: str | None,
) -> Answer:
    """Secure the document INPUT.

    Where the verification method is not its issuer's or holder's, kid is the key's thumbprint and iss is said.
    """
    from ssi.cli import jose_cose_documents as documents

    if sd is not None and not feature.endswith("_sdjwt"):
        raise click.UsageError("--sd is for a feature with SD-JWT")
    method = documents.SigningMethod(parse_object(read_input(key_file)))
    paths = [] if sd is None else parse_paths(sd)
    data = read_input(input_file)
    now = session.now() if at is None else at
    work = documents.issue(data, method, feature, paths, contexts=contexts, extensions=extensions, now=now)
    return await _finish(work, output)


@command.command()
@_options
@action
async def verify(
    session: Session,
    input_file: str,
    key_file: str,
    feature: str,
    output: str,
    contexts: tuple[str, ...],
    extensions: tuple[str, ...],
    at: int | None,
) -> Answer:
    """Verify INPUT under KEY. Of a presentation, the credentials inside stay in their envelopes."""
    from ssi.cli import jose_cose_documents as documents

    key = documents.public_key(parse_object(read_input(key_file)))
    data = read_input(input_file)
    now = session.now() if at is None else at
    return await _finish(
        documents.verify(data, key, feature, contexts=contexts, extensions=extensions, now=now), output
    )


def parse_paths(text: str) -> list[tuple[str | int, ...]]:
    """Return the claim paths in a JSON list of texts such as ``credentialSubject.phones[0]``."""
    listed = parse_json(text)
    if type(listed) is not list or not all(type(item) is str for item in listed):
        raise InvalidInputError("expected --sd to be a JSON list of texts")
    paths = []
    for item in listed:
        steps = list(_STEP.finditer(item))
        if not steps or "".join(step[0] for step in steps) != item or item.startswith("."):
            raise InvalidInputError("expected --sd to hold paths such as credentialSubject.phones[0]")
        paths.append(tuple(step[1] or int(step[2]) for step in steps))
    return paths


async def _finish(work: Awaitable[str], output: str) -> Answer:
    """Write what came of it. Whatever that was, the program did what it was asked for, and ends with 0."""
    import json

    try:
        result: JsonObject = {"result": "success", "data": await work}
    except UnavailableError as exc:
        result = {"result": "indeterminate", "data": str(exc)}
    except SsiError as exc:
        result = {"result": "failure", "data": str(exc)}
    write_output(output, (json.dumps(result, indent=2) + "\n").encode())
    reason = None if result["result"] == "success" else result["data"]
    return Answer(document=result, tables=[facts("result", {"result": result["result"], "reason": reason})])
