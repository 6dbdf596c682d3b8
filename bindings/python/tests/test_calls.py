"""Whole answers: what comes back, what is raised, how it is released."""

from __future__ import annotations

import builtins
import gc
import json
import pickle
import threading
import unittest

import modelwire
from upstream import CHAT, TWO_THEN_HANG, Upstream, answer, until

PROVIDER = "openai_compatible"


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.upstream = Upstream()
        cls.addClassCleanup(cls.upstream.stop)

    def test_an_answer_is_the_providers_bytes(self) -> None:
        script = self.upstream.script(answer('{"a": 1}', 201, **{"x-request-id": "r"}))
        response = modelwire.completions(PROVIDER, script.config(), CHAT)
        self.assertEqual((response.http_status, response.body), (201, b'{"a": 1}'))
        self.assertEqual((response.json(), response.text()), ({"a": 1}, '{"a": 1}'))
        self.assertEqual(response.info["request_id"], "r")

    def test_config_and_request_are_objects_text_or_bytes(self) -> None:
        script = self.upstream.script(answer("{}"))
        text = json.dumps(CHAT)
        config = json.dumps(script.config())
        for encode in (str, str.encode, lambda t: bytearray(t.encode()), lambda t: memoryview(t.encode())):
            modelwire.completions(PROVIDER, encode(config), encode(text))
        modelwire.completions(PROVIDER, script.config(), CHAT)
        bodies = [request["body"] for request in script.requests()]
        self.assertEqual(bodies[:4], [text.encode()] * 4)
        self.assertEqual(json.loads(bodies[4]), CHAT)

    def test_what_is_no_json_is_refused_here(self) -> None:
        with self.assertRaises(ValueError):
            modelwire.completions(PROVIDER, {"temperature": float("nan")}, CHAT)
        with self.assertRaises(ValueError):
            modelwire.completions("openai\0", {}, CHAT)

    def test_a_refusal_carries_what_the_provider_said(self) -> None:
        script = self.upstream.script(answer('{"error":{"code":"slow"}}', 429, **{"retry-after": "2"}))
        with self.assertRaises(modelwire.BackendError) as caught:
            modelwire.completions(PROVIDER, script.config(), CHAT)
        error = caught.exception
        self.assertEqual((error.status, error.name, error.http_status), (-40, "backend", 429))
        self.assertEqual(error.body, b'{"error":{"code":"slow"}}')
        self.assertEqual((error.retryable, error.retry_after), (True, 2.0))
        self.assertEqual(error.info["error_code"], "slow")

    def test_an_error_crosses_a_process_border_whole(self) -> None:
        script = self.upstream.script(answer("no", 500))
        with self.assertRaises(modelwire.BackendError) as caught:
            modelwire.completions(PROVIDER, script.config(), CHAT)
        copy = pickle.loads(pickle.dumps(caught.exception))
        self.assertIs(type(copy), modelwire.BackendError)
        self.assertEqual(str(copy), str(caught.exception))
        self.assertEqual(vars(copy), vars(caught.exception))

    def test_each_kind_of_failure_has_its_class(self) -> None:
        hang = self.upstream.script(["hang"])
        closed = self.upstream.script(["close"])
        nobody = {"options": {"base_url": "http://127.0.0.1:1"}, "credentials": {"api_key": "k"}}
        for kind, also, provider, config in [
            (modelwire.UnsupportedProviderError, ValueError, "nobody", {}),
            (modelwire.ConfigError, ValueError, PROVIDER, "{"),
            (modelwire.CredentialsError, modelwire.ModelwireError, "openai", {}),
            (modelwire.ModelNotAllowedError, ValueError, PROVIDER, hang.config(allowed_models=["x"])),
            (modelwire.ConnectError, ConnectionError, PROVIDER, nobody),
            (modelwire.TruncatedError, ConnectionError, PROVIDER, closed.config()),
            (modelwire.TimeoutError, builtins.TimeoutError, PROVIDER, hang.config(timeouts={"total_ms": 50})),
        ]:
            with self.subTest(kind.__name__), self.assertRaises(kind) as caught:
                modelwire.completions(provider, config, CHAT)
            self.assertIsInstance(caught.exception, also)
            self.assertIsInstance(caught.exception, modelwire.ModelwireError)

    def test_another_thread_cancels(self) -> None:
        script = self.upstream.script(["hang"])
        call = modelwire.start_completions(PROVIDER, script.config(), CHAT)

        def cancel() -> None:
            script.wait_for_request()
            call.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        with self.assertRaises(modelwire.CancelledError):
            call.result()
        thread.join()

    def test_a_result_is_taken_once(self) -> None:
        script = self.upstream.script(answer("{}"))
        call = modelwire.start_completions(PROVIDER, script.config(), CHAT)
        call.result()
        with self.assertRaises(modelwire.HandleError):
            call.result()

    def test_another_thread_closes(self) -> None:
        script = self.upstream.script(["hang"])
        call = modelwire.start_completions(PROVIDER, script.config(), CHAT)
        thread = threading.Thread(target=call.close)
        thread.start()
        with self.assertRaises(modelwire.HandleError):
            call.result()
        thread.join()
        self.assertEqual(modelwire.stats()["calls"], 0)

    def test_two_threads_read(self) -> None:
        script = self.upstream.script(["hang"])
        call = modelwire.start_completions(PROVIDER, script.config(), CHAT)
        raised = []

        def read() -> None:
            try:
                call.result()
            except modelwire.ModelwireError as error:
                raised.append(type(error))
                call.cancel()  # The one who was refused ends the other's wait.

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(raised, [modelwire.BusyError, modelwire.CancelledError])

    def test_calls_from_many_threads(self) -> None:
        script = self.upstream.script(answer("{}"))
        answers = []

        def ask() -> None:
            for _ in range(20):
                answers.append(modelwire.completions(PROVIDER, script.config(), CHAT).body)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [b"{}"] * 160)

    def test_what_is_dropped_is_released(self) -> None:
        script = self.upstream.script(["hang"])
        call = modelwire.start_completions(PROVIDER, script.config(), CHAT)
        with modelwire.start_completions(PROVIDER, script.config(), CHAT):
            self.assertEqual(modelwire.stats()["calls"], 2)
        self.assertEqual(modelwire.stats()["calls"], 1)
        del call
        gc.collect()
        self.assertEqual(modelwire.stats()["calls"], 0)

    def test_nothing_is_left_behind(self) -> None:
        script = self.upstream.script(answer("{}"), answer("no", 500))
        modelwire.completions(PROVIDER, script.config(), CHAT)
        with self.assertRaises(modelwire.BackendError):
            modelwire.completions(PROVIDER, script.config(), CHAT)
        stats = modelwire.stats()
        # The result that carries these numbers counts itself, or not.
        self.assertEqual(stats["calls"], 0)
        self.assertLessEqual(stats["results"], 1)

    def test_a_connection_test(self) -> None:
        good = self.upstream.script(answer("{}"))
        verdict = modelwire.test_connection(PROVIDER, good.config())
        self.assertEqual((verdict.ok, verdict.stage, verdict.message), (True, "authentication", ""))
        bad = self.upstream.script(answer("{}", 401))
        verdict = modelwire.test_connection(PROVIDER, bad.config())
        self.assertEqual((verdict.ok, verdict.stage), (False, "authentication"))
        verdict = modelwire.run_http_probe(PROVIDER, {"url": good.base + "/own", "bearer": "b"})
        self.assertTrue(verdict.ok)
        self.assertEqual(good.requests()[1]["target"], "/own")


class Library(unittest.TestCase):
    def test_what_it_supports(self) -> None:
        self.assertIn("anthropic", modelwire.supported_providers())
        self.assertTrue(modelwire.is_valid_provider("openai"))
        self.assertFalse(modelwire.is_valid_provider("nobody"))
        self.assertEqual(modelwire.describe()["version"], modelwire.version())

    def test_options_are_checked(self) -> None:
        options = modelwire.validate_provider_options(PROVIDER, {"base_url": "http://localhost/v1/"})
        self.assertEqual(options["base_url"], "http://localhost/v1")
        with self.assertRaisesRegex(modelwire.ConfigError, "base_url is required"):
            modelwire.validate_provider_options(PROVIDER, {})

    def test_a_dry_run(self) -> None:
        config = {"credentials": {"api_key": "secret"}}
        sent = modelwire.prepare("openai", config, CHAT, stream=True)
        self.assertEqual(sent["method"], "POST")
        self.assertNotIn("secret", json.dumps(sent))

    def test_a_status_is_classified(self) -> None:
        self.assertFalse(modelwire.classify_probe_status(401).ok)
        self.assertEqual(modelwire.classify_probe_status(400, "google").stage, "authentication")

    def test_stopping_and_starting_afresh(self) -> None:
        upstream = Upstream()
        self.addCleanup(upstream.stop)
        stream = modelwire.stream(PROVIDER, upstream.script(TWO_THEN_HANG).config(), CHAT)
        next(stream)
        modelwire.shutdown()
        with self.assertRaises(modelwire.ShutdownError):
            list(stream)
        modelwire.init({"worker_threads": 1})
        with self.assertRaises(modelwire.ArgumentError):
            modelwire.init()
        answered = modelwire.completions(PROVIDER, upstream.script(answer("{}")).config(), CHAT)
        self.assertEqual(answered.body, b"{}")
        until(lambda: modelwire.stats()["calls"] == 0)


if __name__ == "__main__":
    unittest.main()
