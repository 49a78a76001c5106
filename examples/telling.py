"""What the examples share: a town's credential, an office, and a story that prints and keeps what came of each step."""

from __future__ import annotations

from collections.abc import Awaitable

from issuer import CredentialType
from ssi.errors import SsiError

RESIDENCE = CredentialType(
    name="residence",
    vct="https://town.example/residence",
    types=("Residence",),
    schema={"type": "object", "properties": {"name": {}, "town": {}}},
    validity_days=365,
    formats=("dc+sd-jwt",),
)
OFFICE, NONCE = "https://benefits.example", "n-0S6_WzA2Mj"
STATUS_BASE = "https://town.example/status"


class Telling:
    """A story; ``told`` is what came of each step."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}

    def say(self, step: str, outcome: str) -> None:
        """Print and keep what came of a step."""
        self.told[step] = outcome
        print(f"   {step}: {outcome}")

    async def tell(self, step: str, attempt: Awaitable[object]) -> None:
        """Await an attempt, print and keep whether it was accepted or why it was refused."""
        try:
            await attempt
        except SsiError as exc:
            self.say(step, f"refused: {exc}")
        else:
            self.say(step, "accepted")
