"""How the quickstart tells its story in a terminal. Nothing in here is about credentials."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from issuer import IssuedCredential
from ssi.ledger import Ledger
from ssi.registry import AuditReport, PrivacyFinding, parse_entry
from verifier import Refused, VerifiedPresentation, Verifier
from wallet import Card, Shown


class Story:
    """Prints scenes, and what each party sees in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.console = Console(highlight=False)
        self._scenes = 0
        self._verify = ""

    def scene(self, title: str) -> None:
        """Begin a scene."""
        self._scenes += 1
        self.console.print(f"\n[bold cyan]{self._scenes}. {title}[/]")

    def say(self, words: str, value: str) -> None:
        """Print a sentence and the value it leads to."""
        self.console.print(f"   {words} [green]{value}[/]", soft_wrap=True)

    async def ledger(self, ledger: Ledger) -> None:
        """Show what stands on the ledger."""
        table = Table("entry", "what", "who says it", title="the ledger, as everybody sees it", title_justify="left")
        entries = await ledger.read(0, await ledger.size())
        for index, entry in enumerate(entries):
            if isinstance(entry, bytes):
                parsed = parse_entry(entry)
                who = json.loads(entry)["state"]["id"] if entry.startswith(b"{") else str(parsed.body.iss)  # type: ignore[union-attr]
                table.add_row(str(index), parsed.type, who.rpartition(":")[2])
        self._show(table)

    def issued(self, *credentials: IssuedCredential) -> None:
        """Show what the town keeps: no claim."""
        table = Table("case", "format", "characters", title="what Kerava keeps: no claim", title_justify="left")
        for issued in credentials:
            table.add_row(issued.reference, issued.format, f"{len(issued.credential):,} handed over, none kept")
        self._show(table)

    def cards(self, cards: Sequence[Card]) -> None:
        """Show the wallet, and that its file is noise to everybody else."""
        table = Table("card", "type", "issuer", title="what Aino sees in her wallet", title_justify="left")
        for card in cards:
            table.add_row(card.id[:8], card.type.rpartition("/")[2], (card.issuer or "").rpartition(":")[2])
        self._show(table)
        content = b"".join(path.read_bytes() for path in self.folder.glob("wallet.db*"))
        self.say('Its file, searched for "Aino", "Saari" and "Kerava":', f"{_hits(content)} hits")

    def verified(self, shown: VerifiedPresentation) -> None:
        """Show what the office learns, and what was checked."""
        self.say("the office learns:", json.dumps(shown.claims))
        table = Table("check", "outcome", "by", title="and keeps this report", title_justify="left")
        for check in shown.report.checks:
            table.add_row(check.name, check.outcome, _short(f"{check.source}  {check.detail}".strip()))
        self._show(table)

    def remember(self, nonce: str, at: int) -> None:
        """Keep what the command at the end needs."""
        self._verify = f"--nonce {nonce} --at {at}"

    def history(self, history: Sequence[Shown]) -> None:
        """Show the holder's own record."""
        table = Table("to", "what", title="what Aino's wallet remembers: paths, no values", title_justify="left")
        for shown in history:
            table.add_row(
                shown.audience, ", ".join(".".join(map(str, path)) for path in shown.paths) or "the whole card"
            )
        self._show(table)

    def refusal(self, who: str, refusal: Refused) -> None:
        """Show a refusal."""
        self.console.print(f"   {who}: [bold red]refused[/], {refusal.check}: {_short(refusal.reason)}", soft_wrap=True)

    def audited(self, report: AuditReport, found: Iterable[PrivacyFinding]) -> None:
        """Show what an auditor finds."""
        self.say(
            "audit, every entry from the first:", f"{report.size} entries, {'all in order' if report.ok else 'broken'}"
        )
        self.say("search for everything that Kerava knows of Aino, and its hashes:", f"{len(list(found))} hits")

    def end(self, seconds: float) -> None:
        """Say where the files are and what to do with them."""
        self.console.print(f"\n[bold]That took {seconds:.1f} seconds.[/] The files are in {self.folder}/:")
        for path in sorted(self.folder.iterdir()):
            size = "folder" if path.is_dir() else f"{path.stat().st_size:,} bytes"
            self.console.print(f"   {path.name:20} {size:>14}")
        ssi = Path(sys.executable).with_name("ssi")
        program = ssi.relative_to(Path.cwd()) if ssi.is_relative_to(Path.cwd()) else ssi
        here = self.folder
        self.console.print("\n[bold]Three commands to try on them:[/]")
        for command in (
            f"ledger audit --project {here}/ssi.toml",
            f"ledger privacy-check --project {here}/ssi.toml --people {here}/people.csv",
            f"verify {here}/presentation.txt --policy {here}/policy.toml --offline {here}/offline {self._verify}",
        ):
            self.console.print(f"   [green]{program} {command}[/]", soft_wrap=True)

    def _show(self, table: Table) -> None:
        table.title_style = "italic"
        self.console.print(table)


async def refused(verifier: Verifier, presentation: str, nonce: str) -> Refused:
    """Return how ``verifier`` refuses; that it does is the point of the scene."""
    try:
        await verifier.verify(presentation, nonce=nonce)
    except Refused as refusal:
        return refusal
    raise AssertionError("this should have been refused")


def _hits(content: bytes) -> int:
    return sum(content.count(word) for word in (b"Aino", b"Saari", b"Kerava"))


def _short(text: str, width: int = 100) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
