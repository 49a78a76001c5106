"""Put the examples into the wheel for ``ssi demo``; an editable install has them in the source tree."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ExamplesHook(BuildHookInterface[Any]):
    """Called by hatchling for every wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folder to a wheel that will stand alone."""
        if version == "standard":
            build_data["force_include"]["examples"] = "ssi/testing/examples"
