"""The synchronous view: results, errors, signatures, threads, and the calls that would never end."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import assert_type

import pytest

from ssi.blocking import Blocking, blocking, callbacks, unwrap, wait
from ssi.errors import ConflictError, SsiError, UsageError
from tests.unit.blocking.facades import REQUEST, Desk, Part, open_desk

LOOP = "countersigned-loop"


@pytest.fixture
def desk() -> Blocking[Desk]:
    opened: Blocking[Desk] = blocking(Desk).open("hall")
    return opened


def test_methods_wait_and_run_on_one_thread(desk: Blocking[Desk]) -> None:
    assert desk.add(2, to=3) == 5
    assert unwrap(desk).threads == {LOOP} == {desk.plain()}
    assert desk.title == f"hall: {LOOP}"
    assert desk.place == "hall"
    assert blocking(Desk)("cellar").place == "cellar"
    assert blocking(Desk).called("x") == "desk at x"
    assert blocking(Desk).kind == "desk"
    assert blocking(desk) is desk
    view: type = blocking(Desk)
    assert type(desk) is view
    assert blocking(type(desk)) is view  # type: ignore[comparison-overlap]


def test_what_has_asynchronous_methods_comes_back_as_a_view(desk: Blocking[Desk]) -> None:
    assert desk.part.name() == "part"
    assert desk.part == desk.part
    assert unwrap(desk.part) is unwrap(desk).part
    with desk.borrowed("pen") as part:
        assert part.name() == "part"
        assert unwrap(desk).ended == 0
    assert unwrap(desk).ended == 1
    given: Blocking[Part] = blocking(Part)()
    assert unwrap(blocking(Desk)("hall", part=given)).part is unwrap(given)
    assert blocking(open_desk)("yard").place == "yard"


def test_context_managers(desk: Blocking[Desk]) -> None:
    with desk as same:
        assert same is desk

    def fail(error: SsiError) -> None:
        raise error

    with desk:
        fail(ConflictError("swallowed by the façade"))
    with pytest.raises(SsiError, match="passes"), desk:
        fail(SsiError("passes"))
    assert unwrap(desk).ended == 3


def test_asynchronous_generators_are_iterators(desk: Blocking[Desk]) -> None:
    assert list(desk.numbers(4)) == [0, 1, 2, 3]
    with closing(desk.numbers(9)) as numbers:
        assert next(numbers) == 0
        assert unwrap(desk).ended == 1
    assert unwrap(desk).ended == 2
    assert list(numbers) == []
    with pytest.raises(ConflictError):
        list(desk.numbers(13))


@pytest.mark.parametrize("error", [ConflictError("x"), KeyError("x"), SystemExit(3), KeyboardInterrupt()])
def test_errors_pass_through_unchanged(desk: Blocking[Desk], error: BaseException) -> None:
    with pytest.raises(type(error)) as raised:
        desk.fail(error)
    assert raised.value is error
    assert desk.add(1) == 1


def test_signatures_and_docstrings_are_kept(desk: Blocking[Desk]) -> None:
    view = blocking(Desk)
    assert inspect.signature(view) == inspect.signature(Desk)
    assert view.__doc__ == Desk.__doc__
    for name in ("open", "numbers", "add", "plain"):
        assert inspect.signature(getattr(view, name)) == inspect.signature(getattr(Desk, name))
        assert getattr(view, name).__doc__ == getattr(Desk, name).__doc__
        assert not inspect.iscoroutinefunction(getattr(view, name))
        assert not inspect.isasyncgenfunction(getattr(view, name))
    assert inspect.signature(desk.add) == inspect.signature(unwrap(desk).add)
    assert inspect.getdoc(view.title) == "What the door says."
    assert {"open", "add", "title", "numbers"} <= set(dir(desk))


def test_the_loop_never_waits_for_itself(desk: Blocking[Desk]) -> None:
    for inside in (
        lambda: desk.add(1),
        desk.plain,
        lambda: blocking(Desk)("x"),
        lambda: blocking(Desk).open("x"),
        lambda: list(desk.numbers(1)),
        lambda: wait(unwrap(desk).add(1)),
    ):
        with pytest.raises(UsageError, match="in a callback"):
            desk.call(inside)

        async def on_the_loop(inside: Callable[[], object] = inside) -> object:
            return inside()

        with pytest.raises(UsageError, match="own thread"):
            desk.call_async(on_the_loop)
    assert desk.call(lambda: desk.title) == f"hall: {threading.current_thread().name}"
    assert desk.add(1) == 1


def test_callbacks_run_in_the_thread_that_waits_for_them(desk: Blocking[Desk]) -> None:
    local = threading.local()

    def mine() -> tuple[str, object]:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return threading.current_thread().name, getattr(local, "connection", None)

    def host(number: int) -> None:
        local.connection = number
        for _ in range(20):
            assert desk.call(mine) == (threading.current_thread().name, number)
            assert desk.call(partial(mine)) == (threading.current_thread().name, number)
            assert list(desk.mapped(lambda value: (value, mine()[1]), 2)) == [(0, number), (1, number)]

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(host, range(64)))
    # One that was given to the constructor belongs to whoever waits when it is needed, and to nobody in between.
    clocked: Blocking[Desk] = blocking(Desk)("hall", clock=mine)
    with ThreadPoolExecutor(1, "other") as pool:
        assert pool.submit(lambda: clocked.now()).result()[0].startswith("other")
    assert unwrap(clocked).clock == unwrap(blocking(Desk)("hall", clock=mine)).clock
    assert unwrap(clocked).clock()[0] == threading.current_thread().name  # type: ignore[index]


@pytest.mark.parametrize("error", [ConflictError("x"), KeyError("x"), SystemExit(3), KeyboardInterrupt()])
def test_what_a_callback_raises_comes_out_of_the_call(desk: Blocking[Desk], error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        desk.call(fail)
    assert raised.value is error
    assert desk.add(1) == 1


def test_a_callback_that_waits_for_the_loop_through_another_thread_ends(
    desk: Blocking[Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "CALLBACK_SECONDS", 0.2)
    with ThreadPoolExecutor(1) as pool, pytest.raises(UsageError, match="did not end within"):
        desk.call(lambda: pool.submit(desk.add, 1).result())
    assert desk.add(1) == 1

    def late() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        desk.call(late)


def test_coroutine_functions_run_on_the_loop(desk: Blocking[Desk]) -> None:
    async def there() -> str:
        return threading.current_thread().name

    assert desk.call_async(there) == LOOP


async def test_it_may_be_used_where_another_loop_runs(desk: Blocking[Desk]) -> None:
    assert desk.add(1) == 1


def test_many_threads_share_a_view(desk: Blocking[Desk]) -> None:
    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(lambda number: desk.add(number, to=1), range(3000))) == list(range(1, 3001))
    assert unwrap(desk).count == 3000
    assert [thread.name for thread in threading.enumerate()].count(LOOP) == 1


def test_context_variables_of_the_caller_are_seen(desk: Blocking[Desk]) -> None:
    token = REQUEST.set("case-17")
    try:
        assert desk.request() == "case-17"
    finally:
        REQUEST.reset(token)
    assert desk.request() == "none"


def test_waiting_keeps_the_type(desk: Blocking[Desk]) -> None:
    assert_type(wait(unwrap(desk).add(1)), int)
    assert wait(unwrap(desk).add(1)) == 1


def test_an_interrupted_call_is_cancelled(desk: Blocking[Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(caller: callbacks.Caller, future: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(callbacks.Caller, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            desk.forever()
    for _ in range(100):
        if unwrap(desk).ended:
            break
        desk.add(1)
    assert unwrap(desk).ended == 1


def test_a_view_is_read_only_and_stays_here(desk: Blocking[Desk]) -> None:
    with pytest.raises(AttributeError):
        desk.place = "elsewhere"
    with pytest.raises(AttributeError):
        desk.nothing()
    with pytest.raises(AttributeError):
        blocking(Desk).nothing()
    with pytest.raises(TypeError, match="open it there"):
        pickle.dumps(desk)
