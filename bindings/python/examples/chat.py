"""Asks a model and prints the answer, line by line as it arrives. Ctrl-C cancels.

    python chat.py [--base-url URL] PROVIDER MODEL PROMPT
"""

import argparse
import os
import sys

import modelwire

KEYS = {
    "openai": "OPENAI_API_KEY",
    "openai_compatible": "OPENAI_API_KEY",  # needs --base-url
    "anthropic": "ANTHROPIC_API_KEY",
    "google": "GEMINI_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "groq": "GROQ_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
}


def main():
    parser = argparse.ArgumentParser(description="Asks a model.")
    parser.add_argument("--base-url", help="another address of the provider: a gateway, a local server")
    parser.add_argument("provider", choices=KEYS)
    parser.add_argument("model")
    parser.add_argument("prompt")
    asked = parser.parse_args()

    config = {"credentials": {"api_key": os.environ.get(KEYS[asked.provider], "")}}
    if asked.base_url:
        config["options"] = {"base_url": asked.base_url}
    # The request is the provider's own; modelwire changes no byte of it.
    request = {"model": asked.model}
    if asked.provider == "google":
        request["contents"] = [{"role": "user", "parts": [{"text": asked.prompt}]}]
    else:
        request.update(stream=True, max_tokens=1024, messages=[{"role": "user", "content": asked.prompt}])

    try:
        for line in modelwire.stream(asked.provider, config, request):
            print(line.decode("utf-8", "replace"), flush=True)
    except modelwire.BackendError as error:
        sys.exit(f"chat: {error.http_status}: {error.body.decode('utf-8', 'replace')}")
    except modelwire.ModelwireError as error:
        sys.exit(f"chat: {error.name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
