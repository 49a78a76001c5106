"""``ssi ledger tiles`` and ``ssi ledger serve``: the log as static files, in a folder or over HTTP.

Source:  C2SP tlog-tiles.
I/O:     the ledger and the folder; ``serve`` listens.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

from pathlib import Path

import click

from ssi.cli.command import action, ledger_options
from ssi.cli.output import Answer, announce, facts
from ssi.cli.session import Session
from ssi.types import JsonObject


@click.command()
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--withheld", metavar="N", type=click.IntRange(0), multiple=True, help="An entry erased since last time.")
@click.option("--whole", is_flag=True, help="Compare every tile and bundle, not only what is new.")
@ledger_options
@action
async def command(session: Session, folder: str, withheld: tuple[int, ...], whole: bool) -> Answer:
    """Bring FOLDER in step with the newest checkpoint: tiles, bundles, then the checkpoint, for any web server.

    Whatever interrupts it, the folder holds a checkpoint with all its tiles. Run it after each checkpoint, and after
    `ssi ledger cosign` where readers ask for witnesses.
    """
    from ssi.ledger.backends.tile_folder import TileFolder

    done = await TileFolder(Path(folder)).update(session.ledger(), withheld=withheld, whole=whole)
    document: JsonObject = {
        "size": done.size,
        "before": done.old_size,
        "files": done.files,
        "removed": done.removed,
        "folder": folder,
    }
    return Answer(document=document, tables=[facts("tiles", document)])


@click.command()
@click.option("--folder", type=click.Path(exists=True, file_okay=False), help="Serve this folder, not the ledger.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8471, show_default=True, help="0: a free one.")
@click.option("--tls-cert", metavar="FILE", help="Serve TLS with this certificate chain (PEM).")
@click.option("--tls-key", metavar="FILE", help="Its private key (PEM).")
@ledger_options
@action
async def serve(
    session: Session, folder: str | None, host: str, port: int, tls_cert: str | None, tls_key: str | None
) -> Answer:
    """Serve the log's checkpoint, tiles and entries until interrupted; from the ledger itself without a folder."""
    from ssi.http.serving import serve as serve_app
    from ssi.http.serving import tls_from_files
    from ssi.http.tiles import create_app
    from ssi.ledger.backends.tile_source import FolderTiles
    from ssi.ledger.tile_view import LedgerTiles

    tls = tls_from_files(tls_cert, tls_key)
    source = LedgerTiles(session.ledger()) if folder is None else FolderTiles(Path(folder))
    await serve_app(create_app(source), host=host, port=port, tls=tls, listening=announce)
    return Answer(document={})
