"""Regular expressions that take linear time, whatever they are and whatever they are held against.

Source:  ECMA-262 section 22.2 as far as JSON Schema recommends it (2020-12 core, 6.4): characters, classes, groups,
         alternatives, greedy quantifiers and the anchors ``^`` and ``$``. What a pattern matches does not depend on
         greed, so lazy quantifiers mean the same; lookaround, back references and word boundaries are refused.
Shapes:  ``search`` looks anywhere in the text, as the keyword ``pattern`` does.
I/O:     none.
Errors:  InvalidInputError (a pattern outside this language, or with more than 400 positions).

Python's ``re`` backtracks: one pattern of a foreign schema could hold a thread for hours. Here a pattern becomes its
Glushkov automaton, whose sets of positions are integers; each character costs two look-ups, or once one pass over the
positions. The text is framed by two symbols that only the anchors match.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from ssi.errors import InvalidInputError

MAX_PATTERN_LENGTH: Final = 512
MAX_POSITIONS: Final = 400
_MAX_GROUP_DEPTH: Final = 16
_CACHE_ENTRIES: Final = 1024
_BEGIN: Final = -1
_END: Final = -2

Ranges: TypeAlias = tuple[tuple[int, int], ...]


class _Symbols(msgspec.Struct, frozen=True):
    """A set of symbols: inclusive ranges of code points or of the two frame symbols, or all characters but those."""

    ranges: Ranges
    negated: bool = False

    def holds(self, symbol: int) -> bool:
        inside = any(low <= symbol <= high for low, high in self.ranges)
        return inside if not self.negated else symbol >= 0 and not inside


class _Node(msgspec.Struct, frozen=True):
    """kind "symbols": one position; "sequence", "choice": of ``parts``; "repeat": ``parts[0]``, low to high times."""

    kind: str
    symbols: _Symbols | None = None
    parts: tuple[_Node, ...] = ()
    low: int = 1
    high: int | None = 1
    positions: int = 0


_EMPTY: Final = _Node("sequence")
_CLASSES: Final[dict[str, Ranges]] = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": (
        *((9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029)),
        *((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
    ),
}
_CONTROLS: Final = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "0": 0}
_ANY: Final = _Symbols(((10, 10), (13, 13), (0x2028, 0x2029)), negated=True)


class Pattern:
    """A compiled pattern; made by ``compile_pattern``."""

    __slots__ = ("_final", "_first", "_follow", "_masks", "_nullable", "_reach", "_symbols")

    def __init__(self, root: _Node) -> None:
        """Build the position automaton of ``root``."""
        self._symbols: list[_Symbols] = []
        self._follow: list[int] = []
        self._nullable, self._first, self._final = self._build(root)
        self._masks: dict[int, int] = {}
        self._reach: dict[int, int] = {}

    @property
    def positions(self) -> int:
        """How many characters the pattern spells: the factor in the work of a search."""
        return len(self._symbols)

    def search(self, text: str) -> bool:
        """Whether the pattern matches somewhere in ``text``."""
        if self._nullable:
            return True
        state = 0
        for symbol in (_BEGIN, *map(ord, text), _END):
            reach = self._reach.get(state)
            if reach is None:
                reach = self._first
                for position in _bits(state):
                    reach |= self._follow[position]
                if len(self._reach) >= _CACHE_ENTRIES:
                    self._reach.clear()
                self._reach[state] = reach
            mask = self._masks.get(symbol)
            if mask is None:
                mask = sum(1 << i for i, symbols in enumerate(self._symbols) if symbols.holds(symbol))
                if len(self._masks) >= _CACHE_ENTRIES:
                    self._masks.clear()
                self._masks[symbol] = mask
            state = reach & mask
            if state & self._final:
                return True
        return False

    def _build(self, node: _Node) -> tuple[bool, int, int]:
        """Return whether ``node`` matches nothing, and the sets of its first and last positions (Glushkov)."""
        if node.symbols is not None:
            self._symbols.append(node.symbols)
            self._follow.append(0)
            bit = 1 << (len(self._symbols) - 1)
            return False, bit, bit
        if node.kind == "choice":
            built = [self._build(part) for part in node.parts]
            nullable, first, last = any(n for n, _, _ in built), 0, 0
            for _, part_first, part_last in built:
                first |= part_first
                last |= part_last
            return nullable, first, last
        if node.kind == "repeat":
            return self._build_repeat(node)
        return self._chain([self._build(part) for part in node.parts])

    def _build_repeat(self, node: _Node) -> tuple[bool, int, int]:
        body = node.parts[0]
        copies = node.high if node.high is not None else max(node.low, 1)
        built = []
        for i in range(copies):
            nullable, first, last = self._build(body)
            if node.high is None and i == copies - 1:
                self._join(last, first)
            built.append((nullable or i >= node.low, first, last))
        return self._chain(built)

    def _chain(self, built: list[tuple[bool, int, int]]) -> tuple[bool, int, int]:
        nullable, first, last = True, 0, 0
        for part_nullable, part_first, part_last in built:
            self._join(last, part_first)
            first |= part_first if nullable else 0
            last = part_last | (last if part_nullable else 0)
            nullable = nullable and part_nullable
        return nullable, first, last

    def _join(self, last: int, first: int) -> None:
        for position in _bits(last):
            self._follow[position] |= first


def compile_pattern(text: str) -> Pattern:
    """Return ``text`` as a Pattern, or raise InvalidInputError."""
    if len(text) > MAX_PATTERN_LENGTH:
        raise InvalidInputError(f"expected a pattern of at most {MAX_PATTERN_LENGTH} characters")
    return Pattern(_Parser(text).parse())


class _Parser:
    """Recursive descent over a pattern; the depth of groups is bounded."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def parse(self) -> _Node:
        node = self._choice(0)
        if self._at < len(self._text):
            raise InvalidInputError("expected a pattern with balanced groups")
        return node

    def _choice(self, depth: int) -> _Node:
        if depth > _MAX_GROUP_DEPTH:
            raise InvalidInputError(f"expected a pattern with groups at most {_MAX_GROUP_DEPTH} deep")
        branches = [self._sequence(depth)]
        while self._take("|"):
            branches.append(self._sequence(depth))
        if len(branches) == 1:
            return branches[0]
        return _sized(_Node("choice", parts=tuple(branches)))

    def _sequence(self, depth: int) -> _Node:
        parts = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._quantified(self._atom(depth)))
        return _sized(_Node("sequence", parts=tuple(parts)))

    def _atom(self, depth: int) -> _Node:
        char = self._next()
        if char == "(":
            if self._take("?") and not self._take(":"):
                raise InvalidInputError("expected a pattern without lookaround, named groups or flags")
            node = self._choice(depth + 1)
            if not self._take(")"):
                raise InvalidInputError("expected a pattern with balanced groups")
            return node
        if char == "[":
            return _leaf(self._class())
        if char == "^":
            return _leaf(_Symbols(((_BEGIN, _BEGIN),)))
        if char == "$":
            return _leaf(_Symbols(((_END, _END),)))
        if char == ".":
            return _leaf(_ANY)
        if char == "\\":
            return _leaf(self._escape())
        if char in "*+?{}]":
            raise InvalidInputError("expected a pattern without a stray quantifier or bracket")
        return _leaf(_Symbols(((ord(char), ord(char)),)))

    def _quantified(self, node: _Node) -> _Node:
        if self._take("*"):
            low, high = 0, None
        elif self._take("+"):
            low, high = 1, None
        elif self._take("?"):
            low, high = 0, 1
        elif self._take("{"):
            low, high = self._counts()
        else:
            return node
        self._take("?")
        if self._at < len(self._text) and self._text[self._at] in "*+?{":
            raise InvalidInputError("expected a pattern without quantified quantifiers")
        return _sized(_Node("repeat", parts=(node,), low=low, high=high))

    def _counts(self) -> tuple[int, int | None]:
        inside, brace, _ = self._text[self._at :].partition("}")
        low, comma, high = inside.partition(",")
        if not brace or not _is_count(low) or not (high == "" or _is_count(high)):
            raise InvalidInputError("expected counts of a pattern as {n}, {n,} or {n,m}")
        self._at += len(inside) + 1
        least = int(low)
        most = least if not comma else int(high) if high else None
        if most is not None and most < least:
            raise InvalidInputError("expected counts of a pattern in order")
        return least, most

    def _escape(self) -> _Symbols:
        char = self._next()
        if char in "dws":
            return _Symbols(_CLASSES[char])
        if char in "DWS":
            return _Symbols(_CLASSES[char.lower()], negated=True)
        code = self._code(char)
        return _Symbols(((code, code),))

    def _code(self, char: str) -> int:
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char in "xu":
            digits = self._text[self._at : self._at + (2 if char == "x" else 4)]
            if len(digits) != (2 if char == "x" else 4) or not all(d in "0123456789abcdefABCDEF" for d in digits):
                raise InvalidInputError("expected hexadecimal digits in an escape of a pattern")
            self._at += len(digits)
            return int(digits, 16)
        if char.isascii() and char.isalnum():
            raise InvalidInputError("expected a pattern without back references, boundaries or property escapes")
        return ord(char)

    def _class(self) -> _Symbols:
        negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        while not self._take("]"):
            low = self._class_member()
            if isinstance(low, tuple):
                ranges += low
                continue
            high = low
            if self._text[self._at : self._at + 1] == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                end = self._class_member()
                if isinstance(end, tuple) or end < low:
                    raise InvalidInputError("expected ranges of a pattern in order")
                high = end
            ranges.append((low, high))
        return _Symbols(tuple(ranges), negated)

    def _class_member(self) -> int | Ranges:
        char = self._next()
        if char != "\\":
            return ord(char)
        char = self._next()
        if char in "dws":
            return _CLASSES[char]
        return 8 if char == "b" else self._code(char)

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise InvalidInputError("expected a complete pattern")
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, char: str) -> bool:
        if self._text[self._at : self._at + 1] != char:
            return False
        self._at += 1
        return True


def _leaf(symbols: _Symbols) -> _Node:
    return _Node("symbols", symbols=symbols, positions=1)


def _sized(node: _Node) -> _Node:
    """Return ``node`` with its number of positions; the bound is checked before anything is expanded."""
    positions = sum(part.positions for part in node.parts)
    if node.kind == "repeat":
        positions *= node.high if node.high is not None else max(node.low, 1)
    if positions > MAX_POSITIONS:
        raise InvalidInputError(f"expected a pattern of at most {MAX_POSITIONS} positions, repeats written out")
    return _Node(node.kind, None, node.parts, node.low, node.high, positions)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _bits(number: int) -> list[int]:
    found = []
    while number:
        lowest = number & -number
        found.append(lowest.bit_length() - 1)
        number ^= lowest
    return found
