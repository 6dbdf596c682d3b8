/* Uses modelwire and the unrelated Rust library in turn: beside BASE_URL. Prints "both work". */

#include <modelwire.h>
#include <stdio.h>
#include <string.h>

uint32_t second_answer(void);

static int32_t count(void *lines, const uint8_t *line, size_t line_len)
{
    (void)line;
    (void)line_len;
    ++*(int *)lines;
    return 0;
}

static int stream(const char *base_url)
{
    const char *request = "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    char config[512];
    int lines = 0;
    snprintf(config, sizeof config, "{\"credentials\":{\"api_key\":\"k\"},\"options\":{\"base_url\":\"%s\"}}", base_url);
    modelwire_result *result = modelwire_completions_stream(
        "openai_compatible", (const uint8_t *)config, strlen(config),
        (const uint8_t *)request, strlen(request), count, &lines);
    int32_t status = modelwire_result_status(result);
    if (status != MODELWIRE_OK)
        fprintf(stderr, "%s: %s\n", modelwire_status_name(status), modelwire_result_message(result));
    modelwire_result_free(result);
    return status == MODELWIRE_OK && lines > 0;
}

int main(int argc, char **argv)
{
    int works = argc > 1 && second_answer() == 73 && stream(argv[1]) && second_answer() == 76 && stream(argv[1]);
    modelwire_shutdown(0);
    puts(works ? "both work" : "they do not");
    return !works;
}
