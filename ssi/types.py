"""Names for the shapes that every layer passes on.

JSON that came through the parse gate is one of ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` and ``None``;
dictionaries from the gate are never changed in place.
"""

from __future__ import annotations

from typing import Any, TypeAlias

JsonValue: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]

UnixSeconds: TypeAlias = int
