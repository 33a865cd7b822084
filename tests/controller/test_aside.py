"""What runs in a thread with a loop of its own, and what whoever began it hears of it. All of it is real."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest

from controller import aside

if TYPE_CHECKING:
    from controller.aside import Home, Running

WAITS = 30.0


def runs(during: Callable[[Home], Coroutine[Any, Any, None]], left: Callable[[], None] = lambda: None) -> Any:
    """Something whose one part is a coroutine."""

    @contextlib.asynccontextmanager
    async def running(home: Home) -> AsyncIterator[tuple[asyncio.Task[None]]]:
        task = asyncio.create_task(during(home))
        try:
            yield (task,)
        finally:
            task.cancel()
            left()

    return running


async def forever(_: Home) -> None:
    await asyncio.Event().wait()


def alive() -> list[str]:
    """Threads of these tests."""
    return [each.name for each in threading.enumerate() if each.name == "beside"]


@pytest.fixture(autouse=True)
def _all_end() -> Any:
    yield
    assert alive() == []


def test_it_runs_on_a_loop_of_its_own_from_the_beginning_of_the_block_to_its_end() -> None:
    told: list[tuple[str, bool]] = []

    async def main() -> None:
        mine = asyncio.get_running_loop()

        @contextlib.asynccontextmanager
        async def running(home: Home) -> AsyncIterator[tuple[()]]:
            told.append(("entered", asyncio.get_running_loop() is not mine))
            yield ()
            told.append(("left", threading.current_thread() is not threading.main_thread()))

        async with aside.aside(running, "beside") as ended:
            assert told == [("entered", True)]
            assert not ended.done()
        assert told == [("entered", True), ("left", True)]

    asyncio.run(main())


def test_neither_loop_holds_up_the_other() -> None:
    """First the thread hangs, then the one that began it."""

    async def main() -> None:
        hangs, goes_on, again, asked = (threading.Event() for _ in range(4))

        async def during(home: Home) -> None:
            hangs.set()
            assert goes_on.wait(WAITS)
            while not again.is_set():
                await asyncio.sleep(0)
            asked.set()
            await forever(home)

        async with aside.aside(runs(during), "beside"):
            await asyncio.to_thread(hangs.wait)
            goes_on.set()
            again.set()
            assert asked.wait(WAITS)  # this loop does not turn meanwhile

    asyncio.run(main())


def test_what_it_asks_is_called_on_the_loop_that_began_it() -> None:
    async def main() -> None:
        said: list[object] = []

        def fails() -> None:
            raise ValueError("no")

        async def during(home: Home) -> None:
            said.append(await home.ask(threading.current_thread, WAITS))
            with pytest.raises(ValueError, match="no"):
                await home.ask(fails, WAITS)
            said.append("told")
            await forever(home)

        async with aside.aside(runs(during), "beside"):
            while len(said) < 2:
                await asyncio.sleep(0)
        assert said == [threading.main_thread(), "told"]

    asyncio.run(main())


def test_who_gets_no_answer_asks_again() -> None:
    async def main() -> None:
        hangs, over = threading.Event(), threading.Event()
        said: list[str] = []

        async def during(home: Home) -> None:
            assert await asyncio.to_thread(hangs.wait, WAITS)
            with pytest.raises(TimeoutError):
                await home.ask(lambda: said.append("late"), 0.01)
            over.set()
            await home.ask(lambda: said.append("asked again"), WAITS)
            await forever(home)

        async with aside.aside(runs(during), "beside"):
            hangs.set()
            assert over.wait(WAITS)
            while not said:
                await asyncio.sleep(0)
        assert said == ["asked again"]

    asyncio.run(main())


def test_what_goes_wrong_at_the_beginning_is_raised_there() -> None:
    @contextlib.asynccontextmanager
    async def running(home: Home) -> AsyncIterator[tuple[()]]:
        raise ValueError("can't begin")
        yield ()

    async def main() -> None:
        async with aside.aside(running, "beside"):
            pytest.fail("is not entered")

    with pytest.raises(ValueError, match="can't begin"):
        asyncio.run(main())


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3)])
def test_what_goes_wrong_meanwhile_is_heard_of(error: BaseException) -> None:
    async def during(_: Home) -> None:
        raise error

    async def main() -> None:
        async with aside.aside(runs(during), "beside") as ended:
            await asyncio.wait([ended], timeout=WAITS)
            with pytest.raises(type(error)):
                await ended

    with pytest.raises(type(error)):
        asyncio.run(main())


def test_nothing_may_end_by_itself() -> None:
    async def during(_: Home) -> None:
        pass

    async def main() -> None:
        async with aside.aside(runs(during), "beside") as ended:
            await ended

    with pytest.raises(RuntimeError, match="beside has ended by itself"):
        asyncio.run(main())


def test_what_goes_wrong_at_the_end_is_raised_there() -> None:
    def fails() -> None:
        raise ValueError("can't end")

    async def main() -> None:
        async with aside.aside(runs(forever, fails), "beside"):
            pass

    with pytest.raises(ValueError, match="can't end"):
        asyncio.run(main())


def test_an_error_of_the_block_goes_first(capfd: pytest.CaptureFixture[str]) -> None:
    begun = threading.Event()

    async def during(_: Home) -> None:
        assert await asyncio.to_thread(begun.wait, WAITS)
        raise ValueError("the second")

    async def main() -> None:
        async with aside.aside(runs(during), "beside") as ended:
            begun.set()
            await asyncio.wait([ended])
            raise KeyError("the first")

    with pytest.raises(KeyError, match="the first"):
        asyncio.run(main())
    assert capfd.readouterr().err == ""


def test_one_that_does_not_end_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "_ENDS", 0.05)
    goes_on, ends = threading.Event(), threading.Event()

    def hangs() -> None:
        goes_on.wait(WAITS)
        ends.set()

    async def main() -> None:
        async with aside.aside(runs(forever, hangs), "beside"):
            pass

    with pytest.raises(RuntimeError, match="beside does not end"):
        asyncio.run(main())
    goes_on.set()
    assert ends.wait(WAITS)
    for each in threading.enumerate():
        if each.name == "beside":
            each.join(WAITS)


def test_the_loop_is_of_the_same_kind() -> None:
    class Loop(asyncio.SelectorEventLoop):
        pass

    kinds: list[type] = []

    @contextlib.asynccontextmanager
    async def running(_: Home) -> AsyncIterator[tuple[()]]:
        kinds.append(type(asyncio.get_running_loop()))
        yield ()

    async def main() -> None:
        typed: Callable[[Home], Running] = running
        async with aside.aside(typed, "beside"):
            pass

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main())
    assert kinds == [Loop]
