"""What holds for every test of a run."""

from __future__ import annotations

from tests.stretching import remember

remember()
