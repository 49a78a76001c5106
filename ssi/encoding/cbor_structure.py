"""A walk over the heads of a CBOR item that builds nothing.

Source:  RFC 8949, section 3 and appendix C (well-formedness).
Input:   bytes from outside.
I/O:     none.
Errors:  InvalidInputError for too many items and for map keys that are no integer, text or byte string, as soon as one
         is met. What else is wrong is left to the decoder: the walk only has to end, in time linear in ``max_items``.
"""

from __future__ import annotations

from ssi.errors import InvalidInputError

_WIDTH = {24: 1, 25: 2, 26: 4, 27: 8}
_BREAK = 0xFF


def check_structure(data: bytes, *, max_items: int) -> None:
    """Raise InvalidInputError if ``data`` holds more than ``max_items`` items or a map with composite keys."""
    position, end, items = 0, len(data), 0
    # For each open container: how many items are missing (below 0: it ends with a break), and whether it is a map.
    # In a map the number of missing items is even where a key comes, with and without an end that is known.
    missing, is_map = 1, False
    outer: list[tuple[int, bool]] = []
    while position < end:
        while not missing:
            if not outer:
                return
            missing, is_map = outer.pop()
        initial = data[position]
        position += 1
        if initial == _BREAK:
            if missing < 0 and outer:
                missing = 0
                continue
            return
        items += 1
        if items > max_items:
            raise InvalidInputError(f"expected at most {max_items} CBOR items")
        major, argument = initial >> 5, initial & 31
        if is_map and not missing & 1 and major > 3:
            raise InvalidInputError("expected CBOR map keys that are integers, text or byte strings")
        missing -= 1
        indefinite = argument == 31
        if not indefinite and argument > 23:
            width = _WIDTH.get(argument)
            if width is None:
                return
            argument = int.from_bytes(data[position : position + width], "big")
            position += width
        if major in (2, 3) and not indefinite:
            position += argument
        elif 2 <= major <= 5:
            outer.append((missing, is_map))
            # An indefinite string holds its chunks as a list its items.
            is_map = major == 5
            missing = -2 if indefinite else 2 * argument if is_map else argument
        elif major == 6:
            outer.append((missing, is_map))
            missing, is_map = 1, False
