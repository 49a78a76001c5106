"""Load a PKCS#11 module once per process, ready for many threads, and start it again when that is needed.

Source:  PKCS#11 v2.40 and v3.0, sections on C_Initialize (locking, ``CKF_OS_LOCKING_OK``) and on forked processes.
Input:   the path of the module, a shared library.
I/O:     loads and initialises the library. ``python-pkcs11`` initialises it without locking, which forbids threads: it
         is finalised at once and initialised again with the system's locks.
Errors:  InvalidInputError (the extra is not installed, or the file is no module), UnavailableError (it does not start).
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ssi.errors import InvalidInputError, UnavailableError

if TYPE_CHECKING:
    from pkcs11.types import Slot

    from ssi.keys.backends.pkcs11_token import Token

_OS_LOCKING_OK: Final = 2
_OK: Final = 0
_ALREADY_INITIALIZED: Final = 0x191


class _InitializeArgs(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("create_mutex", "destroy_mutex", "lock_mutex", "unlock_mutex")),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    )


class _FunctionList(ctypes.Structure):
    """The head of CK_FUNCTION_LIST, which is the same in every version."""

    _fields_ = (("version", ctypes.c_ubyte * 2), ("initialize", ctypes.c_void_p), ("finalize", ctypes.c_void_p))


class Module:
    """One loaded module. Every call into it happens inside ``in_use``, so that none is under way while it restarts."""

    def __init__(self, path: str) -> None:
        """Use ``load_module``."""
        try:
            import pkcs11
            from pkcs11 import _pkcs11
        except ImportError as exc:
            raise InvalidInputError("the pkcs11 key store needs the extra countersigned[pkcs11]") from exc
        try:
            self._library: Any = _pkcs11.lib(path)
            self._library.finalize()
            functions = ctypes.POINTER(_FunctionList)()
            if ctypes.CDLL(path).C_GetFunctionList(ctypes.byref(functions)) != _OK:
                raise UnavailableError("the PKCS#11 module gives no function list")
        except (pkcs11.PKCS11Error, OSError, AttributeError) as exc:
            raise InvalidInputError("the file that module-path names cannot be used as a PKCS#11 module") from exc
        head = functions.contents
        self._initialize = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)(head.initialize)
        self._finalize = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)(head.finalize)
        self.generation = 0
        """Grows when the module starts again, which makes every session and handle of before invalid."""
        self._tokens: weakref.WeakSet[Token] = weakref.WeakSet()
        self._after_fork = False
        self._restarting = False
        self._active = 0
        self._condition = threading.Condition()
        self._start()

    def slots(self) -> list[Slot]:
        """Return the slots that hold a token now."""
        found: list[Slot] = self._library.get_slots(token_present=True)
        return found

    def add(self, token: Token) -> None:
        """Remember who uses this module."""
        with _loading:
            self._tokens.add(token)

    def others(self, token: Token) -> list[Token]:
        """Return the other tokens of this process that go through this module."""
        with _loading:
            return [other for other in self._tokens if other is not token]

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the module from restarting while it is called."""
        with self._condition:
            while self._restarting:
                self._condition.wait()
            if self._after_fork:
                self._after_fork = False
                self._start()
            self._active += 1
        try:
            yield
        finally:
            with self._condition:
                self._active -= 1
                self._condition.notify_all()

    def restart(self, generation: int) -> None:
        """Start the module again unless it did since ``generation``: some see a token that came back only then."""
        with self._condition:
            while self._restarting:
                self._condition.wait()
            if generation != self.generation:
                return
            self._restarting = True
            try:
                while self._active:
                    self._condition.wait()
                self._start()
            finally:
                self._restarting = False
                self._condition.notify_all()

    def forked(self) -> None:
        """Note that this is a new process: threads and sessions of the parent are not here."""
        self._condition = threading.Condition()
        self._active = 0
        self._restarting = False
        self._after_fork = True
        for token in list(self._tokens):
            token.forked()

    def _start(self) -> None:
        arguments = _InitializeArgs(flags=_OS_LOCKING_OK)
        answer = self._initialize(ctypes.byref(arguments))
        if answer == _ALREADY_INITIALIZED:
            self._finalize(None)
            answer = self._initialize(ctypes.byref(arguments))
        self.generation += 1
        if answer != _OK:
            raise UnavailableError(f"the PKCS#11 module does not start for several threads (0x{answer:x})")


_modules: dict[str, Module] = {}
_loading = threading.Lock()


def load_module(path: str) -> Module:
    """Return the module at ``path``, loaded once in this process."""
    real = os.path.realpath(path)
    with _loading:
        if real not in _modules:
            if not os.path.isfile(real):
                raise InvalidInputError("no PKCS#11 module is at the module-path of the URL")
            _modules[real] = Module(real)
        return _modules[real]


def _forked() -> None:
    global _loading
    _loading = threading.Lock()
    for module in _modules.values():
        module.forked()


os.register_at_fork(after_in_child=_forked)
