"""Issue credentials from several tasks of several processes, until killed.

A line says: this reference has this credential at this index. Asked again after the crash, the agency gives the same.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.tools.workloads import Acknowledge
from tests.tools.workloads.agency import Agency, OpenAgency, place

ASKED_AGAIN = 5


class Workload(Agency):
    """Each task issues ``seed/task/number``; what a process was busy with when it died is asked for again."""

    async def work(self, agency: OpenAgency, name: str, rng: random.Random, acknowledge: Acknowledge) -> None:
        number = 0
        while True:
            reference = f"{name}/{number}"
            issued = await self.issue(agency, reference)
            acknowledge(f"{reference} {issued.id} {place(issued)}")
            number += 1

    async def problems(self, agency: OpenAgency, acknowledged: Sequence[str]) -> list[str]:
        problems: list[str] = []
        for number, line in enumerate(acknowledged):
            reference, identifier, where = line.split(" ")
            problems += self.place_problems(reference, where)
            row = await agency.store.find(reference)
            if row.id != identifier or not where.endswith(f"/{row.family}#{row.index}"):
                problems.append(f"acknowledged and lost: {line}")
            if number < ASKED_AGAIN:
                again = await self.issue(agency, reference)
                if (again.id, place(again)) != (identifier, where):
                    problems.append(f"{reference} was {identifier} at {where}, and is {again.id} at {place(again)}")
        return problems
