"""Views: classes whose methods wait for the asynchronous methods of a façade; see ``ssi.blocking``.

Errors:  what the façade raises, unchanged; UsageError.
"""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import suppress
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar, cast, overload
from weakref import WeakKeyDictionary

from ssi.blocking.callbacks import Caller, callback, called_by, in_callback
from ssi.blocking.loop import host, on_loop
from ssi.errors import UsageError

Facade = TypeVar("Facade")
Result = TypeVar("Result")
P = ParamSpec("P")

_PLAIN_DUNDERS: Final = ("__call__", "__contains__", "__getitem__", "__len__", "__iter__", "__next__")


def wait(awaitable: Awaitable[Result]) -> Result:
    """Run ``awaitable`` on the background loop and return what it gives, or raise what it raises.

    Raises UsageError on the loop's own thread. If the waiting is interrupted, the coroutine is cancelled.
    """
    try:
        _refuse_on_loop()
    except UsageError:
        if inspect.iscoroutine(awaitable):
            awaitable.close()
        raise

    async def work() -> Result:
        return await awaitable

    return _run(work)


class _BlockingType(type):
    """The class of view classes; what is no method is found on the façade's class."""

    _facade: type

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_") or cls is Blocking:
            raise AttributeError(name)
        return getattr(cls._facade, name)


class Blocking(Generic[Facade], metaclass=_BlockingType):
    """A synchronous view; made by ``blocking``, never by hand."""

    __slots__ = ("__weakref__", "_again", "_object", "_pid")

    if TYPE_CHECKING:

        def __enter__(self) -> Any: ...
        def __exit__(self, *exc: object) -> bool | None: ...
        def __iter__(self) -> Iterator[Any]: ...
        def __next__(self) -> Any: ...

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Construct the façade with the same arguments, on the loop."""
        facade = type(self)._facade

        def again() -> Any:
            return _called(facade, arguments, named)

        _fill(self, again(), again)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(unwrap(self), name)
        return _method(value, name) if callable(value) and not inspect.isclass(value) else _view(value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a blocking view is read-only")

    def __repr__(self) -> str:
        return f"blocking({self._object!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blocking) and self._object is other._object

    def __hash__(self) -> int:
        return id(self._object)

    def __reduce__(self) -> Any:
        raise TypeError("a blocking view is not sent to another process: open it there")


@overload
def blocking(facade: Blocking[Facade]) -> Blocking[Facade]: ...
@overload
def blocking(facade: type[Facade]) -> type[Blocking[Facade]]: ...  # type: ignore[overload-overlap]
@overload
def blocking(facade: Callable[P, object]) -> Callable[P, Any]: ...  # type: ignore[overload-overlap]
@overload
def blocking(facade: Facade) -> Blocking[Facade]: ...
def blocking(facade: Any) -> Any:
    """Return the synchronous view of an object, the class of such views for a class, or a function that waits."""
    if isinstance(facade, Blocking) or (inspect.isclass(facade) and issubclass(facade, Blocking)):
        return facade
    if inspect.isclass(facade):
        return _view_class(facade)
    return _function(facade) if inspect.isroutine(facade) else _wrap(facade, None)


def unwrap(view: Blocking[Facade]) -> Facade:
    """Return the façade under a view, of this process. Raises UsageError as every use of the view does."""
    pid = os.getpid()
    if view._pid != pid:
        with _reopening:
            if view._pid != pid:
                if view._again is None:
                    name = type(view)._facade.__name__
                    raise UsageError(f"this {name} was opened before the process forked: open it in each worker")
                _kept.append(view._object)
                _fill(view, view._again(), view._again)
    return cast("Facade", view._object)


_kept: Final[list[object]] = []
"""Objects of the parent process: their destructors would act on connections that both processes share."""
_reopening = threading.RLock()
_classes: Final[WeakKeyDictionary[type, type[Blocking[Any]]]] = WeakKeyDictionary()


def _fill(view: Blocking[Any], found: object, again: Callable[[], Any] | None) -> None:
    # The process number comes last: other threads take it as the sign that the rest is there.
    for name, value in (("_object", found), ("_again", again), ("_pid", os.getpid())):
        object.__setattr__(view, name, value)


def _wrap(found: object, again: Callable[[], Any] | None) -> Blocking[Any]:
    made = _view_class(type(found))
    view = object.__new__(made)
    _fill(view, found, again)
    return view


def _view(value: Any, again: Callable[[], Any] | None = None) -> Any:
    """Return a result as the caller gets it: as a view if something of it must be awaited."""
    return _wrap(value, again) if _asynchronous(cast("Hashable", type(value))) else value


@lru_cache(maxsize=1024)
def _asynchronous(kind: Hashable) -> bool:
    """Tell whether a class has anything to await; it is asked of every result, so the answer is kept."""
    if any(hasattr(kind, name) for name in ("__aenter__", "__aiter__", "__anext__")):
        return True
    if kind.__module__ == "builtins":
        return False
    members = (inspect.getattr_static(kind, name, None) for name in dir(kind) if not name.startswith("_"))
    return any(inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member) for member in members)


def _refuse_on_loop() -> None:
    if on_loop():
        raise UsageError("a blocking view is used on the loop's own thread, where it would wait for itself: await")
    if in_callback():
        raise UsageError("a blocking view is used in a callback, for which the loop waits on this very thread")


def _run(work: Callable[[], Awaitable[Result]]) -> Result:
    """Wait for ``work`` on the loop; if the waiting is interrupted, cancel it."""
    caller = Caller()

    async def called() -> Result:
        called_by(caller)
        return await work()

    future = host().submit(called)
    try:
        return caller.wait(future)
    except BaseException:
        future.cancel()
        raise


def _called(function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Call on the loop, await what is awaitable, and return the bare result."""
    _refuse_on_loop()
    bare = tuple(_bare(argument) for argument in arguments)
    bare_named = {name: _bare(argument) for name, argument in named.items()}

    async def work() -> Any:
        result = function(*bare, **bare_named)
        return await result if inspect.isawaitable(result) else result

    return _run(work)


def _bare(argument: Any) -> Any:
    return unwrap(argument) if isinstance(argument, Blocking) else callback(argument, on_loop)


def _view_class(facade: type) -> type[Blocking[Any]]:
    """Return the view class of a façade class, made once: methods with their names, signatures and docstrings."""
    found = _classes.get(facade)
    if found is None:
        namespace: dict[str, Any] = {"__slots__": (), "_facade": facade, "__doc__": facade.__doc__}
        namespace |= {"__module__": facade.__module__, "__qualname__": facade.__qualname__}
        for name in dir(facade):
            member = inspect.getattr_static(facade, name)
            if name.startswith("_") and name not in _PLAIN_DUNDERS:
                continue
            if isinstance(member, classmethod | staticmethod):
                namespace[name] = _class_method(facade, name)
            elif inspect.isfunction(member):
                namespace[name] = _instance_method(name, member)
            elif isinstance(member, property):
                namespace[name] = property(_getter(name), doc=member.__doc__)
        namespace |= _protocols(facade)
        found = cast("type[Blocking[Any]]", _BlockingType(facade.__name__, (Blocking,), namespace))
        with suppress(TypeError, ValueError):  # A class of the interpreter's own says no signature.
            found.__signature__ = inspect.signature(facade)  # type: ignore[attr-defined]
        found = _classes.setdefault(facade, found)
    return found


def _like(wrapper: Callable[..., Any], original: Any) -> Callable[..., Any]:
    """Give ``wrapper`` the name, signature and docstring of ``original``, but not its being asynchronous."""
    made = wraps(original)(wrapper)
    del made.__wrapped__
    with suppress(TypeError, ValueError):
        made.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    return made


def _instance_method(name: str, original: Any) -> Callable[..., Any]:
    def call(self: Blocking[Any], /, *arguments: Any, **named: Any) -> Any:
        _refuse_on_loop()
        return _view(_called(getattr(unwrap(self), name), arguments, named))

    return _like(call, original)


def _method(bound: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return a callable that is found on the instance only."""

    def call(*arguments: Any, **named: Any) -> Any:
        return _view(_called(bound, arguments, named))

    call.__name__ = name
    return call


def _class_method(facade: type, name: str) -> Any:
    return staticmethod(_function(getattr(facade, name)))


def _function(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that waits. What a function named ``open…`` gave may be opened again in a forked process."""
    replayed = original.__name__ == "open" or original.__name__.startswith("open_")

    def call(*arguments: Any, **named: Any) -> Any:
        def again() -> Any:
            return _called(original, arguments, named)

        return _view(again(), again if replayed else None)

    return _like(call, original)


def _getter(name: str) -> Callable[[Blocking[Any]], Any]:
    def get(self: Blocking[Any]) -> Any:
        found = unwrap(self)
        return _view(getattr(found, name) if on_loop() or in_callback() else _called(getattr, (found, name), {}))

    return get


def _protocols(facade: type) -> dict[str, Any]:
    """Return the synchronous twins of the asynchronous protocols that the class has."""

    def enter(self: Blocking[Any]) -> Any:
        found = unwrap(self)
        entered = _called(type(found).__aenter__, (found,), {})
        return self if entered is found else _view(entered)

    def leave(self: Blocking[Any], *exc: object) -> Any:
        found = unwrap(self)
        return _called(type(found).__aexit__, (found, *exc), {})

    def iterate(self: Blocking[Any]) -> Any:
        found = unwrap(self)
        iterator = _called(type(found).__aiter__, (found,), {})
        return self if iterator is found else _view(iterator)

    def step(self: Blocking[Any]) -> Any:
        found = unwrap(self)
        try:
            return _view(_called(type(found).__anext__, (found,), {}))
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self: Blocking[Any]) -> None:
        _called(unwrap(self).aclose, (), {})

    made: dict[str, Any] = {}
    if hasattr(facade, "__aenter__"):
        made |= {"__enter__": enter, "__exit__": leave}
    if hasattr(facade, "__aiter__"):
        made["__iter__"] = iterate
    if hasattr(facade, "__anext__"):
        made["__next__"] = step
    if hasattr(facade, "__anext__") and hasattr(facade, "aclose"):
        made["close"] = close
    return made


def _forked() -> None:
    global _reopening
    _reopening = threading.RLock()


os.register_at_fork(after_in_child=_forked)
