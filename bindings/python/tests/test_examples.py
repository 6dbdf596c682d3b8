"""The example runs, and is the program that the README begins with."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from upstream import DEADLINE, TWO_THEN_HANG, Upstream, answer

ROOT = Path(__file__, "..", "..").resolve()
CHAT = ROOT / "examples" / "chat.py"


class Chat(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.upstream = Upstream()
        cls.addClassCleanup(cls.upstream.stop)

    def start(self, base: str, provider: str = "openai_compatible") -> subprocess.Popen:
        keys = ["OPENAI", "ANTHROPIC", "GEMINI", "MISTRAL", "GROQ", "DEEPSEEK"]
        program = subprocess.Popen(
            [sys.executable, str(CHAT), "--base-url", base, provider, "m", "banana"],
            env={**os.environ, **{f"{key}_API_KEY": "k" for key in keys}},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(program.kill)
        return program

    def test_every_provider_answers(self) -> None:
        for provider, path in [
            ("openai", "/v1"),
            ("openai_compatible", "/v1"),
            ("anthropic", ""),
            ("google", ""),
            ("mistral", "/v1"),
            ("groq", "/v1"),
            ("deepseek", ""),
        ]:
            with self.subTest(provider):
                program = self.start(self.upstream.url + path, provider)
                output, errors = program.communicate(timeout=DEADLINE)
                self.assertIn("banana", output)
                self.assertEqual((program.returncode, errors), (0, ""))

    def test_failures_are_told(self) -> None:
        for script, said in [
            (self.upstream.script(answer("slow down", 429)), "chat: 429: slow down\n"),
            (self.upstream.script(["close"]), "chat: truncated: "),
        ]:
            program = self.start(script.base)
            _, errors = program.communicate(timeout=DEADLINE)
            self.assertTrue(errors.startswith(said), errors)
            self.assertEqual(program.returncode, 1)

    def test_ctrl_c(self) -> None:
        program = self.start(self.upstream.script(TWO_THEN_HANG).base)
        self.assertEqual(program.stdout.readline(), "data: one\n")
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.communicate(timeout=DEADLINE)[1], "")
        self.assertEqual(program.returncode, 130)

    def test_the_readme_begins_with_it(self) -> None:
        printed = re.search(r"```python\n(.*?)```\n", (ROOT / "README.md").read_text(), re.DOTALL)
        self.assertEqual(printed.group(1), CHAT.read_text())


if __name__ == "__main__":
    unittest.main()
