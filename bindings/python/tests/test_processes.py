"""Processes: fork, multiprocessing, Ctrl-C, the end of the interpreter."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import unittest

import modelwire
from upstream import CHAT, DEADLINE, STREAMED, TWO_THEN_HANG, Upstream, answer

PROVIDER = "openai_compatible"


def ask(config: dict) -> bytes:
    return modelwire.completions(PROVIDER, config, CHAT).body


async def ask_in_a_loop(config: dict) -> bytes:
    return (await modelwire.acompletions(PROVIDER, config, CHAT)).body


@unittest.skipUnless(hasattr(os, "fork"), "the system has no fork")
class Forks(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.upstream = Upstream()
        cls.addClassCleanup(cls.upstream.stop)

    def in_child(self, run) -> None:
        child = os.fork()
        if child == 0:
            try:
                run()
                os._exit(0)
            except BaseException as error:
                sys.stderr.write(f"in the child: {error!r}\n")
                os._exit(1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_a_pool_of_forked_processes(self) -> None:
        config = self.upstream.script(answer("{}")).config()
        self.assertEqual(ask(config), b"{}")
        with multiprocessing.get_context("fork").Pool(3) as pool:
            self.assertEqual(pool.map_async(ask, [config] * 12).get(DEADLINE), [b"{}"] * 12)
        self.assertEqual(ask(config), b"{}")

    def test_an_error_comes_back_from_a_pool(self) -> None:
        config = self.upstream.script(answer("no", 503)).config()
        with multiprocessing.get_context("fork").Pool(1) as pool:
            with self.assertRaises(modelwire.BackendError) as caught:
                pool.apply_async(ask, (config,)).get(DEADLINE)
        self.assertEqual((caught.exception.http_status, caught.exception.body), (503, b"no"))

    def test_an_inherited_stream_is_refused_and_stays_the_parents(self) -> None:
        script = self.upstream.script(
            [{"chunked_open": ["data: one\n"]}, {"wait_for": "more"}, {"send": "c\r\ndata: [DONE]\r\n0\r\n\r\n"}]
        )
        stream = modelwire.stream(PROVIDER, script.config(), STREAMED)
        call = modelwire.start_completions(PROVIDER, self.upstream.script(answer("{}")).config(), CHAT)
        self.assertEqual(next(stream), b"data: one")

        def child() -> None:
            for use in (lambda: next(stream), call.result):
                try:
                    use()
                except modelwire.ForkedError as error:
                    assert "fork" in str(error), error
                else:
                    raise AssertionError("it was not refused")

        self.in_child(child)
        script.open("more")
        self.assertEqual(list(stream), [b"data: [DONE]"])
        self.assertEqual(call.result().body, b"{}")

    def test_a_child_has_a_poller_of_its_own(self) -> None:
        config = self.upstream.script(answer("{}")).config()
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)
        in_time = lambda: asyncio.wait_for(ask_in_a_loop(config), DEADLINE)  # noqa: E731
        self.assertEqual(loop.run_until_complete(in_time()), b"{}")

        def child() -> None:
            assert asyncio.new_event_loop().run_until_complete(in_time()) == b"{}"
            assert loop.run_until_complete(in_time()) == b"{}"

        self.in_child(child)


class Programs(unittest.TestCase):
    """Small programs, run to their end."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.upstream = Upstream()
        cls.addClassCleanup(cls.upstream.stop)

    def start(self, source: str) -> subprocess.Popen:
        program = subprocess.Popen(
            [sys.executable, "-c", "import asyncio, modelwire, threading\n" + source],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(program.kill)
        return program

    def test_ctrl_c_cancels(self) -> None:
        for name, wait in [
            ("stream", "list(modelwire.stream('openai_compatible', CONFIG, REQUEST))"),
            ("answer", "modelwire.completions('openai_compatible', CONFIG, REQUEST)"),
            ("loop", "asyncio.run(modelwire.acompletions('openai_compatible', CONFIG, REQUEST))"),
        ]:
            with self.subTest(name):
                script = self.upstream.script(["hang"])
                program = self.start(
                    f"CONFIG, REQUEST = {script.config()!r}, {CHAT!r}\n"
                    f"try:\n    {wait}\n"
                    "except KeyboardInterrupt:\n    print('interrupted', modelwire.stats()['calls'])\n"
                )
                script.wait_for_request()
                time.sleep(0.2)  # The request is out before the program waits for the answer.
                program.send_signal(signal.SIGINT)
                self.assertEqual(program.communicate(timeout=DEADLINE), ("interrupted 0\n", ""))
                self.assertEqual(program.returncode, 0)

    def test_a_program_ends_with_calls_in_flight(self) -> None:
        script = self.upstream.script(TWO_THEN_HANG)
        program = self.start(
            f"stream = modelwire.stream('openai_compatible', {script.config()!r}, {STREAMED!r})\n"
            "print(next(stream))\n"
            "threading.Thread(target=list, args=(stream,), daemon=True).start()\n"
        )
        self.assertEqual(program.communicate(timeout=DEADLINE), ("b'data: one'\n", ""))
        self.assertEqual(program.returncode, 0)

    def test_a_missing_library_is_said(self) -> None:
        program = subprocess.run(
            [sys.executable, "-c", "import modelwire"],
            env={**os.environ, "MODELWIRE_LIBRARY": "/nowhere/libmodelwire.so"},
            capture_output=True,
            text=True,
        )
        self.assertEqual(program.returncode, 1)
        self.assertIn("ImportError: the modelwire library cannot be loaded", program.stderr)
        self.assertIn("/nowhere/libmodelwire.so", program.stderr)


if __name__ == "__main__":
    unittest.main()
