/* chat: one question to one provider, answered on standard output.
 *
 * Shows the calls that most programs need: start an operation, follow its events with a
 * deadline of one's own, cancel it, take its result, tell kinds of failure apart. Each line
 * of a stream is printed as the provider sent it. Standard C99; json.h writes the JSON.
 *
 *     cc -std=c99 chat.c -lmodelwire -o chat
 */
#include <modelwire.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

static const char synopsis[] =
    "usage: chat [--no-stream] [--responses] [--base-url URL] PROVIDER MODEL PROMPT\n"
    "       chat --probe [--base-url URL] PROVIDER\n";

static const char details[] =
    "\n"
    "Asks a model and prints the answer, line by line as it arrives. Ctrl-C cancels.\n"
    "\n"
    "  --probe         test the connection and the key instead, and print the verdict\n"
    "  --no-stream     wait for the whole answer\n"
    "  --responses     use OpenAI's responses API (provider openai)\n"
    "  --base-url URL  another address of the provider: a gateway, a local server\n"
    "  --help          print this\n"
    "\n"
    "The key comes from the variable that the provider's own SDK reads:\n"
    "  openai, openai_compatible  OPENAI_API_KEY (openai_compatible needs --base-url)\n"
    "  anthropic                  ANTHROPIC_API_KEY\n"
    "  google                     GEMINI_API_KEY\n"
    "  mistral                    MISTRAL_API_KEY\n"
    "  groq                       GROQ_API_KEY\n"
    "  deepseek                   DEEPSEEK_API_KEY\n"
    "  azure                      AZURE_OPENAI_API_KEY, AZURE_OPENAI_ENDPOINT\n"
    "  vertex                     GOOGLE_CLOUD_ACCESS_TOKEN, GOOGLE_CLOUD_PROJECT,\n"
    "                             GOOGLE_CLOUD_LOCATION\n"
    "  bedrock                    AWS_BEARER_TOKEN_BEDROCK, else the AWS SDK's own sources;\n"
    "                             AWS_REGION; models that speak Anthropic's messages\n"
    "\n"
    "Exit status: 0 answered; 1 wrong usage; 2 config, request or credentials refused before\n"
    "sending; 3 the network failed (connect, TLS, timeout); 4 the provider answered an error,\n"
    "which is printed on standard error; 5 the answer broke off or was malformed; 70 a fault\n"
    "inside the library; 130 cancelled, or standard output was closed. A probe that ran: 0 usable,\n"
    "2 credentials rejected, 3 not reached, 4 anything else.\n";

enum exit_code {
    EXIT_ANSWERED = 0,
    EXIT_USAGE = 1,
    EXIT_INPUT = 2,
    EXIT_NETWORK = 3,
    EXIT_PROVIDER = 4,
    EXIT_BROKEN = 5,
    EXIT_LIBRARY = 70,
    EXIT_CANCELLED = 130
};

/* Which request body a provider takes. */
enum shape { SHAPE_CHAT, SHAPE_RESPONSES, SHAPE_MESSAGES, SHAPE_CONTENTS };

struct provider {
    const char *name;
    const char *key_variable;
    enum shape shape;
};

static const struct provider providers[] = {
    {"openai", "OPENAI_API_KEY", SHAPE_CHAT},
    {"openai_compatible", "OPENAI_API_KEY", SHAPE_CHAT},
    {"anthropic", "ANTHROPIC_API_KEY", SHAPE_MESSAGES},
    {"google", "GEMINI_API_KEY", SHAPE_CONTENTS},
    {"vertex", "GOOGLE_CLOUD_ACCESS_TOKEN", SHAPE_CONTENTS},
    {"azure", "AZURE_OPENAI_API_KEY", SHAPE_CHAT},
    {"bedrock", "AWS_BEARER_TOKEN_BEDROCK", SHAPE_MESSAGES},
    {"mistral", "MISTRAL_API_KEY", SHAPE_CHAT},
    {"groq", "GROQ_API_KEY", SHAPE_CHAT},
    {"deepseek", "DEEPSEEK_API_KEY", SHAPE_CHAT},
};

struct arguments {
    const struct provider *provider;
    const char *model;
    const char *prompt;
    const char *base_url;
    bool probe;
    bool stream;
    bool responses;
    bool help;
};

/* How long the main loop sleeps at most before it looks at `interrupted`. */
enum { LOOK_UP_MS = 100 };

static volatile sig_atomic_t interrupted;

/* The first Ctrl-C asks; the second one ends the process. */
static void on_interrupt(int signal_number)
{
    interrupted = 1;
    signal(signal_number, SIG_DFL);
}

static const struct provider *find_provider(const char *name)
{
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++)
        if (strcmp(providers[i].name, name) == 0)
            return &providers[i];
    fprintf(stderr, "chat: no provider is called %s; there are %s\n", name, modelwire_supported_providers());
    return NULL;
}

/* Answers false if the command line makes no sense. */
static bool parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){.stream = true};
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--probe") == 0)
            arguments->probe = true;
        else if (strcmp(argv[i], "--no-stream") == 0)
            arguments->stream = false;
        else if (strcmp(argv[i], "--responses") == 0)
            arguments->responses = true;
        else if (strcmp(argv[i], "--help") == 0)
            arguments->help = true;
        else if (strcmp(argv[i], "--base-url") == 0 && i + 1 < argc)
            arguments->base_url = argv[++i];
        else
            return false;
    }
    if (arguments->help)
        return true;
    int left = argc - i;
    if (left != 3 && !(arguments->probe && left == 1))
        return false;
    arguments->provider = find_provider(argv[i]);
    arguments->model = left == 3 ? argv[i + 1] : NULL;
    arguments->prompt = left == 3 ? argv[i + 2] : NULL;
    return arguments->provider != NULL;
}

static void write_config(struct json *config, const struct arguments *arguments)
{
    const char *name = arguments->provider->name;
    json_open(config, NULL, "{");
    json_open(config, "credentials", "{");
    json_string(config, "api_key", getenv(arguments->provider->key_variable));
    if (strcmp(name, "azure") == 0) {
        json_open(config, "azure", "{");
        json_string(config, "endpoint", getenv("AZURE_OPENAI_ENDPOINT"));
        json_string(config, "api_version", getenv("OPENAI_API_VERSION"));
        json_close(config, "}");
    }
    if (strcmp(name, "bedrock") == 0) {
        json_open(config, "aws", "{");
        json_string(config, "region", getenv("AWS_REGION"));
        json_close(config, "}");
    }
    json_close(config, "}");
    json_open(config, "options", "{");
    json_string(config, "base_url", arguments->base_url);
    json_string(config, "api", arguments->responses ? "responses" : NULL);
    if (strcmp(name, "vertex") == 0) {
        json_string(config, "project", getenv("GOOGLE_CLOUD_PROJECT"));
        json_string(config, "location", getenv("GOOGLE_CLOUD_LOCATION"));
    }
    json_close(config, "}}");
}

static void write_prompt(struct json *request, enum shape shape, const char *prompt)
{
    switch (shape) {
    case SHAPE_CHAT:
    case SHAPE_MESSAGES:
        json_open(request, "messages", "[{");
        json_string(request, "role", "user");
        json_string(request, "content", prompt);
        json_close(request, "}]");
        break;
    case SHAPE_RESPONSES:
        json_string(request, "input", prompt);
        break;
    case SHAPE_CONTENTS:
        json_open(request, "contents", "[{");
        json_string(request, "role", "user");
        json_open(request, "parts", "[{");
        json_string(request, "text", prompt);
        json_close(request, "}]}]");
        break;
    }
}

/* The body goes to the provider as it is written here: modelwire changes no byte of it. */
static void write_request(struct json *request, const struct arguments *arguments)
{
    enum shape shape = arguments->responses ? SHAPE_RESPONSES : arguments->provider->shape;
    json_open(request, NULL, "{");
    json_string(request, "model", arguments->model);
    if (shape == SHAPE_MESSAGES)
        json_literal(request, "max_tokens", "1024");
    if (strcmp(arguments->provider->name, "bedrock") == 0)
        json_string(request, "anthropic_version", "bedrock-2023-05-31");
    if (arguments->stream && shape != SHAPE_CONTENTS)
        json_literal(request, "stream", "true");
    write_prompt(request, shape, arguments->prompt);
    json_close(request, "}");
}

static modelwire_call start(const struct arguments *arguments)
{
    uint32_t operation = arguments->probe    ? MODELWIRE_OP_TEST_CONNECTION
                         : arguments->stream ? MODELWIRE_OP_COMPLETIONS_STREAM
                                             : MODELWIRE_OP_COMPLETIONS;
    struct json config = {0}, request = {0};
    write_config(&config, arguments);
    if (!arguments->probe)
        write_request(&request, arguments);
    modelwire_call call =
        modelwire_start(operation, arguments->provider->name, (const uint8_t *)config.text, config.len,
                        (const uint8_t *)request.text, request.len, 0, 0);
    json_free(&config); /* inputs are borrowed for the call only */
    json_free(&request);
    return call;
}

/* Prints lines as they arrive until the call has ended, and hands over its result. */
static modelwire_result *follow(modelwire_call call)
{
    int32_t event;
    do {
        const uint8_t *data = NULL;
        size_t data_len = 0;
        event = modelwire_next(call, LOOK_UP_MS, &data, &data_len);
        if (event == MODELWIRE_EVENT_LINES) {
            fwrite(data, 1, data_len, stdout);
            fflush(stdout);
        }
        if (interrupted || ferror(stdout))
            modelwire_cancel(call); /* ENDED still arrives */
    } while (event >= 0 && event != MODELWIRE_EVENT_ENDED);
    return modelwire_finish(call);
}

static enum exit_code exit_code_of_status(int32_t status)
{
    switch (status) {
    case MODELWIRE_OK:
        return EXIT_ANSWERED;
    case MODELWIRE_E_ARGUMENT:
    case MODELWIRE_E_CONFIG:
    case MODELWIRE_E_PROVIDER:
    case MODELWIRE_E_REQUEST:
    case MODELWIRE_E_MODEL_NOT_ALLOWED:
    case MODELWIRE_E_CREDENTIALS:
        return EXIT_INPUT;
    case MODELWIRE_E_CONNECT:
    case MODELWIRE_E_TLS:
    case MODELWIRE_E_TIMEOUT:
        return EXIT_NETWORK;
    case MODELWIRE_E_BACKEND:
        return EXIT_PROVIDER;
    case MODELWIRE_E_TRUNCATED:
    case MODELWIRE_E_PROTOCOL:
    case MODELWIRE_E_STREAM:
        return EXIT_BROKEN;
    case MODELWIRE_E_CANCELLED:
        return EXIT_CANCELLED;
    default:
        return EXIT_LIBRARY;
    }
}

/* A probe that ran is a success whatever it found; the verdict says how far it got. */
static enum exit_code exit_code_of_verdict(const uint8_t *verdict, size_t len)
{
    if (json_after(verdict, len, "\"ok\":true") != NULL)
        return EXIT_ANSWERED;
    if (json_after(verdict, len, "\"stage\":\"connectivity\"") != NULL)
        return EXIT_NETWORK;
    if (json_after(verdict, len, "\"stage\":\"authentication\"") != NULL)
        return EXIT_INPUT;
    return EXIT_PROVIDER;
}

static enum exit_code report(const modelwire_result *result, const struct arguments *arguments)
{
    int32_t status = modelwire_result_status(result);
    size_t body_len;
    const uint8_t *body = modelwire_result_body(result, &body_len);
    FILE *output = status == MODELWIRE_OK ? stdout : stderr;
    if (status != MODELWIRE_OK)
        fprintf(stderr, "chat: %s: %s\n", modelwire_status_name(status), modelwire_result_message(result));
    if (status == MODELWIRE_E_CREDENTIALS && getenv(arguments->provider->key_variable) == NULL)
        fprintf(stderr, "chat: %s is not set\n", arguments->provider->key_variable);
    if (body_len > 0) {
        fwrite(body, 1, body_len, output);
        fputc('\n', output);
    }
    if (arguments->probe && status == MODELWIRE_OK)
        return exit_code_of_verdict(body, body_len);
    return exit_code_of_status(status);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    if (!parse_arguments(argc, argv, &arguments)) {
        fprintf(stderr, "%schat --help says more\n", synopsis);
        return EXIT_USAGE;
    }
    if (arguments.help) {
        printf("%s%s", synopsis, details);
        return EXIT_ANSWERED;
    }
    signal(SIGINT, on_interrupt);
    modelwire_result *result = follow(start(&arguments));
    enum exit_code code = report(result, &arguments);
    modelwire_result_free(result);
    modelwire_shutdown(0);
    return code;
}
