"""Issue and then revoke, suspend and unsuspend from several tasks of several processes, until killed.

A line says: this reference is in this state, and its list shows it. It is so after the crash, before anybody publishes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from ssi.errors import UnavailableError
from ssi.status.lists import CredentialState
from tests.tools.workloads import Acknowledge
from tests.tools.workloads.agency import Agency, OpenAgency, place


class Workload(Agency):
    """Each task issues, suspends, perhaps unsuspends, and revokes ``seed/task/number``."""

    async def work(self, agency: OpenAgency, name: str, rng: random.Random, acknowledge: Acknowledge) -> None:
        number = 0
        while True:
            reference = f"{name}/{number}"
            issued = await self.issue(agency, reference)
            acknowledge(f"{reference} VALID {place(issued)}")
            for act in rng.choice((["revoke"], ["suspend", "revoke"], ["suspend", "unsuspend"])):
                while True:
                    try:
                        await getattr(agency.issuer, act)(reference=reference, reason="test", by="crash")
                        break
                    except UnavailableError:
                        continue
                state = {"revoke": "REVOKED", "suspend": "SUSPENDED", "unsuspend": "VALID"}[act]
                acknowledge(f"{reference} {state} {place(issued)}")
            number += 1

    async def problems(self, agency: OpenAgency, acknowledged: Sequence[str]) -> list[str]:
        problems: list[str] = []
        last: dict[str, CredentialState] = {}
        order = (CredentialState.VALID, CredentialState.SUSPENDED, CredentialState.REVOKED)
        for line in acknowledged:
            reference, state, where = line.split(" ")
            problems += self.place_problems(reference, where)
            last[reference] = CredentialState[state]
        shown = dict(await self.lists(agency))
        for reference, said in last.items():
            row = await agency.store.find(reference)
            # The next act may have been done and not acknowledged; a revocation is never undone.
            follows = {
                CredentialState.VALID: order,
                CredentialState.SUSPENDED: order,
                CredentialState.REVOKED: (CredentialState.REVOKED,),
            }[said]
            for source, found in (("store", row.state), ("list", shown[row.family or 0](row))):
                if found not in follows:
                    problems.append(f"{reference} was acknowledged as {said.name}, the {source} says {found.name}")
        return problems
