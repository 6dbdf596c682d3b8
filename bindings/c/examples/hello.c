#include <modelwire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t print_line(void *output, const uint8_t *line, size_t line_len)
{
    return fwrite(line, 1, line_len, output) != line_len || fputc('\n', output) == EOF;
}

int main(int argc, char **argv) /* hello https://api.openai.com/v1 */
{
    const char *request = "{\"model\":\"gpt-4.1-nano\",\"stream\":true,"
                          "\"messages\":[{\"role\":\"user\",\"content\":\"Say hello.\"}]}";
    const char *key = getenv("OPENAI_API_KEY");
    char config[2048];
    snprintf(config, sizeof config, "{\"credentials\":{\"api_key\":\"%s\"},\"options\":{\"base_url\":\"%s\"}}",
             key ? key : "", argc > 1 ? argv[1] : "");
    modelwire_result *result = modelwire_completions_stream(
        "openai_compatible", (const uint8_t *)config, strlen(config),
        (const uint8_t *)request, strlen(request), print_line, stdout);
    int32_t status = modelwire_result_status(result);
    fprintf(stderr, "%s %s\n", modelwire_status_name(status), modelwire_result_message(result));
    modelwire_result_free(result);
    modelwire_shutdown(0);
    return status != MODELWIRE_OK;
}
