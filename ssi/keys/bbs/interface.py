"""An interface of BBS: how its messages become scalars, and the generators that they are bound to.

Source:  draft-irtf-cfrg-bbs-signatures-10, sections 3.5 (the interface of Sign and its companions), 3.8 (others), 4.1
         (generators, messages to scalars).
Shapes:  ``api_id`` is ciphersuite_id and the interface's own tag, and goes into every hash; generators are points of
         G1, Q_1 before H_1, H_2, …
I/O:     none. Generators are computed once and kept: some 0.3 ms each.
Errors:  InvalidInputError (more messages than MAX_MESSAGES).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from ssi.errors import InvalidInputError
from ssi.keys.bbs.ciphersuite import EXPAND_LENGTH, Ciphersuite
from ssi.keys.bbs.group import POINT_LENGTH, G1Point, Scalar

MAX_MESSAGES: Final = 1024
"""Most messages that one signature or proof covers; ours, the draft allows 2^64-1. Bounds work on unknown input."""


class GeneratorList(msgspec.Struct, frozen=True):
    """Generators in order, exactly as many as there are messages and one."""

    points: Sequence[G1Point]
    octets: bytes
    """The serialized points, one after the other: what the domain of a signature hashes."""


class Interface:
    """One interface of one ciphersuite; get it from ``interface``."""

    __slots__ = ("_growing", "_octets", "_points", "_state", "api_id", "suite")

    def __init__(self, suite: Ciphersuite, api_id: bytes) -> None:
        """Start without generators."""
        self.suite: Final = suite
        self.api_id: Final = api_id
        self._state = suite.expand_message(api_id + b"MESSAGE_GENERATOR_SEED", self._seed_dst, EXPAND_LENGTH)
        self._growing = threading.Lock()
        self._points: list[G1Point] = []
        self._octets = b""

    def hash_to_scalar(self, octets: bytes) -> Scalar:
        """Hash octets that the operations put together (``hash_to_scalar`` with the tag ``H2S_``)."""
        return self.suite.hash_to_scalar(octets, self.api_id + b"H2S_")

    def messages_to_scalars(self, messages: Sequence[bytes]) -> list[Scalar]:
        """Map each message to a scalar by hashing (4.1.2). Raises InvalidInputError if there are too many."""
        check_count(len(messages))
        hash_to_scalar, dst = self.suite.hash_to_scalar, self.api_id + b"MAP_MSG_TO_SCALAR_AS_HASH_"
        return [hash_to_scalar(message, dst) for message in messages]

    def generators(self, count: int) -> GeneratorList:
        """Return the first ``count`` generators (4.1.1 ``create_generators``), computed if they are not there yet.

        Raises InvalidInputError if more than MAX_MESSAGES + 1 are asked for.
        """
        check_count(count - 1)
        if len(self._points) < count:
            self._grow(count)
        return GeneratorList(self._points[:count], self._octets[: POINT_LENGTH * count])

    @property
    def _seed_dst(self) -> bytes:
        return self.api_id + b"SIG_GENERATOR_SEED_"

    def _grow(self, count: int) -> None:
        with self._growing:
            for index in range(len(self._points) + 1, count + 1):
                seed = self._state + index.to_bytes(8, "big")
                self._state = self.suite.expand_message(seed, self._seed_dst, EXPAND_LENGTH)
                point = self.suite.hash_to_curve(self._state, self.api_id + b"SIG_GENERATOR_DST_")
                # The octets come first: whoever sees the point, without the lock, sees its octets too.
                self._octets += point.to_compressed_bytes()
                self._points.append(point)


@lru_cache(maxsize=16)
def interface(suite: Ciphersuite, tag: bytes = b"H2G_HM2S_", *, before: bytes = b"") -> Interface:
    """Return the interface of the api_id that is ``before``, ciphersuite_id and ``tag``: by default that of Sign."""
    return Interface(suite, before + suite.identifier + tag)


def check_count(messages: int) -> None:
    """Raise InvalidInputError if there are more messages than this library handles."""
    if messages > MAX_MESSAGES:
        raise InvalidInputError(f"expected at most {MAX_MESSAGES} messages, got {messages}")
