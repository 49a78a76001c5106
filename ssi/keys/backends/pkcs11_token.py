"""Several sessions on one PKCS#11 token, opened when needed and opened again after the token was away.

Source:  PKCS#11 v2.40, sections on sessions and on C_Login: the login belongs to all sessions of a process.
Shapes:  ``Token.run`` blocks and is called from threads of ``Token.executor``; one thread has a session at a time.
I/O:     the token.
Errors:  UnavailableError (no such token now, or it failed), VerificationError (it refuses the PIN), InvalidInputError
         (several tokens fit). The work's own errors pass through. No message contains the PIN.
"""

from __future__ import annotations

import contextlib
import hmac
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ssi.errors import InvalidInputError, UnavailableError, VerificationError
from ssi.keys.backends.pkcs11_module import load_module
from ssi.keys.backends.pkcs11_url import TokenUrl

if TYPE_CHECKING:
    import pkcs11
    from pkcs11.types import Session

Result = TypeVar("Result")

_GONE: Final = frozenset(
    {
        "CryptokiNotInitialized",
        "DeviceError",
        "DeviceMemory",
        "DeviceRemoved",
        "FunctionFailed",
        "GeneralError",
        "NoSuchToken",
        "SessionClosed",
        "SessionHandleInvalid",
        "SlotIDInvalid",
        "TokenNotPresent",
        "TokenNotRecognised",
        "UserNotLoggedIn",
    }
)
"""Errors after which a session is given up: token, login or connection are not what they were."""
_PIN: Final = frozenset(
    {"PinIncorrect", "PinInvalid", "PinLenRange", "PinLocked", "PinExpired", "UserPinNotInitialized"}
)


class Line:
    """A session with what was looked up through it; ``cache`` is the key store's."""

    def __init__(self, session: Session, generation: tuple[int, int]) -> None:
        self.session: Final = session
        self.generation: Final = generation
        self.cache: Final[dict[str, Any]] = {}


class Token:
    """The token that a URL names."""

    executor: ThreadPoolExecutor
    limit: int
    """How many sessions are opened at most; falls when the token has fewer."""
    _free: threading.Condition
    _login: threading.Lock
    _idle: list[Line]
    _open: int
    _epoch: int
    _login_session: Session | None
    _logged_in: tuple[int, int] | None
    _slot: int

    def __init__(self, url: TokenUrl, pin: Callable[[], str]) -> None:
        """Load the module; the token is first asked for when it is used. ``pin`` is called at each login."""
        self.url: Final = url
        self._pin = pin
        self._module = load_module(url.module_path)
        self._salt = token_bytes(16)
        self._refused: bytes | None = None
        self._forget()
        self._module.add(self)

    @property
    def connected(self) -> bool:
        """Whether sessions are open."""
        return self._open > 0

    def run(self, work: Callable[[Line], Result], *, repeat: bool) -> Result:
        """Return ``work(line)``. With ``repeat`` it is done once more, on a new session, if the token was away."""
        import pkcs11

        for last in (not repeat, True):
            line = self._take()
            try:
                with self._module.in_use():
                    result = work(line)
            except pkcs11.PKCS11Error as exc:
                kind = type(exc).__name__
                if kind not in _GONE:
                    self._give_back(line)
                    raise UnavailableError(f"the token answers {kind}") from exc
                self._give_up(line)
                if last:
                    raise UnavailableError(f"the token is not there any more, or not for us ({kind})") from exc
            except BaseException:
                self._give_back(line)
                raise
            else:
                self._give_back(line)
                return result
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the idle sessions; those at work are closed when they are given back."""
        with self._free:
            self._epoch += 1
            idle, self._idle = self._idle, []
            self._open -= len(idle)
            self._free.notify_all()
        for line in idle:
            self._close(line)
        self._log_out()
        self.executor.shutdown(wait=False)
        self.executor = self._new_executor()

    def forked(self) -> None:
        """Forget what only the parent process has."""
        self._forget()

    def _forget(self) -> None:
        self._free = threading.Condition()
        self._login = threading.Lock()
        self._idle = []
        self._open = 0
        self._epoch = 0
        self._login_session = None
        self._logged_in = None
        self._slot = -1
        self.limit = self.url.sessions
        self.executor = self._new_executor()

    def _new_executor(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.url.sessions, thread_name_prefix="countersigned-token")

    @property
    def _generation(self) -> tuple[int, int]:
        return self._module.generation, self._epoch

    def _take(self) -> Line:
        while True:
            with self._free:
                while not self._idle and self._open >= self.limit:
                    self._free.wait()
                line = self._idle.pop() if self._idle else None
                if line is None:
                    self._open += 1
                elif line.generation == self._generation:
                    return line
            if line is not None:
                self._give_up(line)
                continue
            try:
                opened = self._connect()
            except BaseException:
                self._release()
                raise
            if opened is not None:
                return opened
            with self._free:  # The token has no more sessions: go on with those that are open.
                self._open -= 1
                if not self._open:
                    raise UnavailableError("the token has no session left for us")
                self.limit = self._open

    def _give_back(self, line: Line) -> None:
        if line.generation != self._generation:
            self._give_up(line)
            return
        with self._free:
            self._idle.append(line)
            self._free.notify()

    def _give_up(self, line: Line) -> None:
        """Close a session, and count its sisters of the same time as lost."""
        with self._free:
            if line.generation == self._generation:
                self._epoch += 1
        self._close(line)
        self._release()

    def _release(self) -> None:
        with self._free:
            self._open -= 1
            self._free.notify()

    def _close(self, line: Line) -> None:
        import pkcs11

        # An error is no news: the session was given up because it is broken.
        with contextlib.suppress(pkcs11.PKCS11Error), self._module.in_use():
            # A handle of before a restart may by now be somebody else's.
            if line.generation[0] == self._module.generation:
                line.session.close()

    def _connect(self) -> Line | None:
        """Open a session; None if the token has no more."""
        import pkcs11

        with self._login:
            generation = self._generation
            try:
                token = self._locate()
                if token is None and not any(other.connected for other in self._module.others(self)):
                    self._module.restart(generation[0])
                    generation = self._generation
                    token = self._locate()
                if token is None:
                    raise UnavailableError("no token of this name is in any slot")
                with self._module.in_use():
                    return Line(self._open_session(token), generation)
            except pkcs11.SessionCount:
                return None
            except pkcs11.PKCS11Error as exc:
                raise UnavailableError(f"the token cannot be opened ({type(exc).__name__})") from exc

    def _locate(self) -> pkcs11.Token | None:
        import pkcs11

        found = []
        with self._module.in_use():
            try:
                slots = self._module.slots()
            except pkcs11.PKCS11Error:
                return None  # The module lost its slots: starting it again may bring them back.
            for slot in slots:
                try:
                    token = slot.get_token()
                except pkcs11.PKCS11Error:
                    continue  # Empty, or a token that cannot be read: not the one asked for.
                serial = token.serial.decode("ascii", "replace").strip()
                if token.label.strip() == self.url.token and self.url.serial in ("", serial):
                    found.append(token)
        if len(found) > 1:
            raise InvalidInputError("several tokens have this label: name the serial in the URL")
        return found[0] if found else None

    def _open_session(self, token: pkcs11.Token) -> Session:
        import pkcs11

        generation = self._generation
        if self._logged_in != generation:
            pin = self._pin()
            tag = hmac.digest(self._salt, pin.encode("utf-8"), "sha256")
            if self._refused is not None and hmac.compare_digest(tag, self._refused):
                # Asking again would count against the token's retries and end with a locked PIN.
                raise VerificationError("the token refused this PIN before; it is not tried again")
            try:
                self._login_session = token.open(rw=True, user_pin=pin)
            except pkcs11.UserAlreadyLoggedIn:
                pass  # By another store of this process, or by us before a session broke.
            except pkcs11.PKCS11Error as exc:
                if type(exc).__name__ in _PIN:
                    self._refused = tag
                    raise VerificationError(f"the token refuses the PIN ({type(exc).__name__})") from None
                raise
            self._logged_in, self._slot = generation, token.slot.slot_id
        return token.open(rw=True)

    def _log_out(self) -> None:
        """End the login, or leave it to another store of this process that uses it: it belongs to all sessions."""
        import pkcs11

        session, self._login_session, self._logged_in = self._login_session, None, None
        for heir in self._module.others(self):
            if heir.connected and heir._slot == self._slot:
                heir._login_session = heir._login_session or session
                return
        if session is not None:
            # An error means that the login ended with a session that broke.
            with contextlib.suppress(pkcs11.PKCS11Error), self._module.in_use():
                session.close()
