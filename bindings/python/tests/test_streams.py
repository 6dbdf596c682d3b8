"""Streams on the caller's thread and in an event loop."""

from __future__ import annotations

import asyncio
import base64
import gc
import threading
import unittest

import modelwire
from upstream import STREAMED, TWO_THEN_HANG, Upstream, answer, until

PROVIDER = "openai_compatible"
THREE = [{"sse": "data: one\n\ndata: [DONE]\n\n"}]
LINES = [b"data: one", b"", b"data: [DONE]"]


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.upstream = Upstream()
        cls.addClassCleanup(cls.upstream.stop)

    def tearDown(self) -> None:
        gc.collect()
        self.assertEqual(modelwire.stats()["calls"], 0)

    def open(self, *replies: object) -> modelwire.Stream:
        script = self.upstream.script(*replies)
        return modelwire.stream(PROVIDER, script.config(), STREAMED)

    def test_lines_then_the_response(self) -> None:
        stream = self.open(THREE)
        self.assertIsNone(stream.response)
        self.assertEqual(list(stream), LINES)
        self.assertEqual(stream.response.info["end"], "done")
        self.assertEqual(list(stream), [])

    def test_a_line_comes_when_it_was_sent(self) -> None:
        script = self.upstream.script(
            [{"chunked_open": ["data: one\n\n"]}, {"wait_for": "more"}, {"send": "c\r\ndata: [DONE]\r\n0\r\n\r\n"}]
        )
        stream = modelwire.stream(PROVIDER, script.config(), STREAMED)
        self.assertEqual(next(stream), b"data: one")
        script.open("more")
        self.assertEqual(list(stream), [b"", b"data: [DONE]"])

    def test_a_loop_goes_on_where_another_one_left(self) -> None:
        stream = self.open(THREE)
        for line in stream:
            break
        self.assertEqual([line, *stream], LINES)

    def test_lines_before_a_failure_come_first(self) -> None:
        stream = self.open([{"chunked_open": ["data: one\n\n"]}, "close"])
        got = []
        with self.assertRaises(modelwire.TruncatedError) as caught:
            for line in stream:
                got.append(line)
        self.assertEqual(got, LINES[:2])
        self.assertEqual(caught.exception.info["lines"], 2)
        self.assertIsNone(stream.response)

    def test_a_refusal_is_raised_by_the_first_line(self) -> None:
        with self.assertRaises(modelwire.BackendError) as caught:
            next(self.open(answer("no", 400)))
        self.assertEqual((caught.exception.http_status, caught.exception.body), (400, b"no"))

    def test_leaving_the_loop_releases_the_call(self) -> None:
        script = self.upstream.script(TWO_THEN_HANG)
        for _ in modelwire.stream(PROVIDER, script.config(), STREAMED):
            break
        self.assertEqual(modelwire.stats()["calls"], 0)

    def test_with_closes(self) -> None:
        with self.open(TWO_THEN_HANG) as stream:
            self.assertEqual(next(stream), b"data: one")
        self.assertEqual(modelwire.stats()["calls"], 0)
        # A batch that was handed over is still there; after it nothing comes, and no error.
        self.assertEqual(list(stream), [b""])

    def test_another_thread_cancels(self) -> None:
        stream = self.open(TWO_THEN_HANG)
        self.assertEqual(next(stream), b"data: one")
        thread = threading.Thread(target=stream.cancel)
        thread.start()
        with self.assertRaises(modelwire.CancelledError) as caught:
            list(stream)
        self.assertEqual(caught.exception.info["end"], "cancelled")
        thread.join()

    def test_another_thread_closes(self) -> None:
        stream = self.open(TWO_THEN_HANG)
        got = []
        reading = threading.Thread(target=lambda: got.extend(stream))
        reading.start()
        until(lambda: len(got) == 2 or not reading.is_alive())
        stream.close()
        reading.join()
        self.assertEqual(got, LINES[:2])

    def test_closing_while_lines_come(self) -> None:
        block = "data: x\n\n" * 1000
        head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
        for _ in range(20):
            stream = self.open([{"send": head}, {"repeat": {"text": block, "times": 50}}, "hang"])
            lines = []
            reading = threading.Thread(target=lambda: lines.extend(stream))
            reading.start()
            stream.close()
            reading.join()
            self.assertLessEqual(set(lines), {b"data: x", b""})

    def test_reading_off_the_main_thread(self) -> None:
        got = []
        stream = self.open(THREE)
        reading = threading.Thread(target=lambda: got.extend(stream))
        reading.start()
        reading.join()
        self.assertEqual(got, LINES)

    def test_any_bytes_pass(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
        sent = base64.b64encode(head + b"data: \xff\x00\xfe\n\r\n").decode()
        self.assertEqual(list(self.open([{"send_base64": sent}, "close"])), [b"data: \xff\x00\xfe", b""])


class AsyncStreams(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.upstream = Upstream()
        cls.addClassCleanup(cls.upstream.stop)

    def open(self, *replies: object) -> modelwire.AsyncStream:
        script = self.upstream.script(*replies)
        return modelwire.astream(PROVIDER, script.config(), STREAMED)

    async def test_lines_then_the_response(self) -> None:
        stream = self.open(THREE)
        self.assertEqual([line async for line in stream], LINES)
        self.assertEqual(stream.response.info["end"], "done")

    async def test_one_at_a_time(self) -> None:
        stream = self.open(THREE)
        self.assertEqual(await stream.__anext__(), LINES[0])
        self.assertEqual([line async for line in stream], LINES[1:])

    async def test_an_answer(self) -> None:
        script = self.upstream.script(answer("{}"), answer("no", 500))
        response = await modelwire.acompletions(PROVIDER, script.config(), STREAMED)
        self.assertEqual(response.body, b"{}")
        with self.assertRaises(modelwire.BackendError):
            await modelwire.acompletions(PROVIDER, script.config(), STREAMED)
        self.assertEqual(modelwire.stats()["calls"], 0)

    async def test_a_connection_test(self) -> None:
        script = self.upstream.script(answer("{}", 403))
        self.assertFalse((await modelwire.atest_connection(PROVIDER, script.config())).ok)

    async def test_lines_before_a_failure_come_first(self) -> None:
        stream = self.open([{"chunked_open": ["data: one\n\n"]}, "close"])
        got = []
        with self.assertRaises(modelwire.TruncatedError):
            async for line in stream:
                got.append(line)
        self.assertEqual(got, LINES[:2])

    async def test_many_at_once_take_no_threads(self) -> None:
        script = self.upstream.script(
            [{"chunked_open": ["data: one\n\n"]}, {"wait_for": "all"}, {"send": "c\r\ndata: [DONE]\r\n0\r\n\r\n"}]
        )
        opened = 0

        async def read() -> list[bytes]:
            nonlocal opened
            lines = []
            async for line in modelwire.astream(PROVIDER, script.config(), STREAMED):
                opened += not lines
                lines.append(line)
            return lines

        before = threading.active_count()
        tasks = [asyncio.ensure_future(read()) for _ in range(100)]
        while opened < 100:
            await asyncio.sleep(0.01)
        self.assertEqual(threading.active_count(), before)
        self.assertEqual(modelwire.stats()["pollers"], 1)
        await asyncio.get_running_loop().run_in_executor(None, script.open, "all")
        self.assertEqual(await asyncio.gather(*tasks), [LINES] * 100)

    async def test_a_cancelled_task_cancels_the_call(self) -> None:
        for operation in (modelwire.acompletions(PROVIDER, *self.hanging()), self.read_hanging()):
            task = asyncio.ensure_future(operation)
            while modelwire.stats()["calls"] == 0:
                await asyncio.sleep(0.01)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            await asyncio.sleep(0)  # An abandoned generator is closed by the loop.
            self.assertEqual(modelwire.stats()["calls"], 0)

    def hanging(self) -> tuple:
        return self.upstream.script(["hang"]).config(), STREAMED

    async def read_hanging(self) -> None:
        async for _ in modelwire.astream(PROVIDER, *self.hanging()):
            pass

    async def test_cancel_tells_the_reader(self) -> None:
        stream = self.open(TWO_THEN_HANG)
        self.assertEqual(await stream.__anext__(), b"data: one")
        stream.cancel()
        with self.assertRaises(modelwire.CancelledError):
            async for _ in stream:
                pass

    async def test_closing_ends_the_reader(self) -> None:
        stream = self.open(TWO_THEN_HANG)
        got = []

        async def read() -> None:
            async for line in stream:
                got.append(line)

        task = asyncio.ensure_future(read())
        while len(got) < 2:
            await asyncio.sleep(0.01)
        await stream.aclose()
        await task
        self.assertEqual(modelwire.stats()["calls"], 0)

    async def test_leaving_the_block_releases_the_call(self) -> None:
        async with self.open(TWO_THEN_HANG) as stream:
            async for _ in stream:
                break
        self.assertEqual(modelwire.stats()["calls"], 0)

    async def test_a_fast_stream_lets_others_run(self) -> None:
        block = "data: x\n\n" * 1000
        head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
        stream = self.open([{"send": head}, {"repeat": {"text": block, "times": 200}}, "close"])
        turns = lines = 0

        async def tick() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        ticking = asyncio.ensure_future(tick())
        async for _ in stream:
            lines += 1
        ticking.cancel()
        self.assertEqual(lines, 400_000)
        self.assertGreater(turns, 10)


class Loops(unittest.TestCase):
    def test_each_loop_has_a_poller_that_ends_with_it(self) -> None:
        upstream = Upstream()
        self.addCleanup(upstream.stop)
        script = upstream.script(THREE)

        async def read() -> int:
            stream = modelwire.astream(PROVIDER, script.config(), STREAMED)
            self.assertEqual([line async for line in stream], LINES)
            return modelwire.stats()["pollers"]

        for _ in range(3):
            self.assertEqual(asyncio.run(read()), 1)
            gc.collect()
            self.assertEqual(modelwire.stats()["pollers"], 0)

    def test_without_a_loop_it_says_so(self) -> None:
        with self.assertRaises(RuntimeError):
            modelwire.astream(PROVIDER, {}, STREAMED)


if __name__ == "__main__":
    unittest.main()
