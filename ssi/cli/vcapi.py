"""``ssi vcapi serve``: the VC-API of whatever roles are installed, with the DID resolver, in one server.

Source:  W3C CCG Verifiable Credentials API v0.7.
Input:   a TOML file with a table ``[[profile]]`` for each way of issuing: ``name``, ``organisation``, ``cryptosuite``
         (left out: ``vc+jwt``) and ``status``.
I/O:     project file, key store, ledger; listens. With ``--test-profiles`` keys live in memory and end with the server.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ssi.cli.command import action, key_options, ledger_options
from ssi.cli.files import make_folder, read_input, write_output
from ssi.cli.output import Answer, announce
from ssi.cli.program import CommandTree
from ssi.cli.session import Session
from ssi.errors import InvalidInputError

if TYPE_CHECKING:
    from ssi.encoding.jsonld import Contexts

MAX_CONTEXT_BYTES: Final = 1 << 20
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def allowed(given: tuple[str, ...]) -> Contexts:
    """Return the bundled contexts and those of ``given``, each ``URL=FILE``.

    Where editions of the URL are recorded the file has to be one of them; else it is the operator who vouches for it.
    """
    from hashlib import sha256

    from ssi.encoding.jsonld import BUNDLED, PinnedContext, recorded_digests

    pinned: dict[str, PinnedContext] = {}
    for item in given:
        url, equals, file = item.partition("=")
        if not equals or not url.startswith("https://"):
            raise InvalidInputError("expected --context URL=FILE, with an https URL")
        data = read_input(file, max_bytes=MAX_CONTEXT_BYTES)
        digest = sha256(data).hexdigest()
        if recorded_digests(url) and digest not in recorded_digests(url):
            raise InvalidInputError(f"the file given for {url} is no edition of it that was published")
        pinned[url] = PinnedContext(data, digest)
    return BUNDLED.with_pinned(pinned) if pinned else BUNDLED


@click.group(cls=CommandTree, place="vcapi")
def command() -> None:
    """Speak VC-API: issue, verify, derive and prove over HTTP."""


@command.command()
@click.option("--profiles", "file", metavar="FILE", help="The profiles to issue under (TOML).")
@click.option("--test-profiles", is_flag=True, help="Profiles of every cryptosuite with new keys in memory: for tests.")
@click.option("--dids", "dids_file", metavar="FILE", help="Write the DID of each profile there (JSON), at start.")
@click.option("--token-file", metavar="FILE", help="The bearer token that requests must carry.")
@click.option("--base-url", metavar="URL", help="The https URL that the server is reached by, if it is another one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8443, show_default=True, help="The port.")
@click.option("--tls-cert", metavar="FILE", help="The certificate chain (PEM).")
@click.option("--tls-key", metavar="FILE", help="Its key (PEM).")
@click.option("--tls-self-signed", is_flag=True, help="Make a certificate for this run, to try things out.")
@click.option("--context", "contexts", metavar="URL=FILE", multiple=True, help="A JSON-LD context to allow as well.")
@click.option("--status-store", "store", metavar="DIR", help="Where the status indexes of profiles are kept.")
@click.option("--network", is_flag=True, help="Resolve DIDs over the web too.")
@click.option("--accept-foreign-issuer", is_flag=True, help="Take credentials that somebody signed for their issuer.")
@click.option("--accept-inline-contexts", is_flag=True, help="Verify documents whose contexts are written out in them.")
@ledger_options
@key_options
@action
async def serve(
    session: Session,
    file: str | None,
    test_profiles: bool,
    dids_file: str | None,
    token_file: str | None,
    base_url: str | None,
    host: str,
    port: int,
    tls_cert: str | None,
    tls_key: str | None,
    tls_self_signed: bool,
    contexts: tuple[str, ...],
    store: str | None,
    network: bool,
    accept_foreign_issuer: bool,
    accept_inline_contexts: bool,
) -> Answer:
    """Serve until interrupted. Outside tests a bearer token is asked for, and without one nothing starts."""
    import json

    from ssi.cli.vcapi_profiles import own_profiles
    from ssi.cli.vcapi_profiles import test_profiles as new_profiles
    from ssi.http.serving import serve as serve_app
    from ssi.http.serving import tls_of
    from ssi.http.vc_api import VcApiSetup, create_app, find_parts

    if test_profiles == (file is not None):
        raise InvalidInputError("say what to issue under: --profiles FILE, or --test-profiles")
    if file is not None and token_file is None:
        raise InvalidInputError("a server that issues needs a bearer token: --token-file")
    if test_profiles and host not in LOOPBACK:
        raise InvalidInputError("test profiles are served on loopback only")
    tls = tls_of(tls_cert, tls_key, self_signed=tls_self_signed, host=host, now=session.now())
    token = None if token_file is None else read_input(token_file).decode("utf-8", "replace").strip()
    profiles = await (new_profiles() if file is None else own_profiles(session, file))
    if file is not None and store is None and any(profile.list_label for profile in profiles.issuing):
        raise InvalidInputError("a profile with status needs a folder that its indexes are kept in: --status-store")
    if store is not None:
        make_folder(store)
    name = "localhost" if host in LOOPBACK else host
    setup = VcApiSetup(
        base_url=(base_url or f"{'http' if tls is None else 'https'}://{name}:{port}").rstrip("/"),
        profiles=profiles.issuing,
        holder=profiles.holder,
        kms=profiles.kms,
        resolver=await session.resolver(network=network),
        contexts=allowed(contexts),
        now=session.now,
        issuer_is_controller=not accept_foreign_issuer,
        store=None if store is None else Path(store),
        inline_contexts=accept_inline_contexts,
    )
    app = await create_app(setup, find_parts(), token=token)
    if dids_file is not None:
        dids = {profile.name: profile.did for profile in profiles.issuing}
        write_output(dids_file, f"{json.dumps(dids, indent=1)}\n".encode())
    await serve_app(app, host=host, port=port, tls=tls, listening=announce)
    return Answer(document={})
