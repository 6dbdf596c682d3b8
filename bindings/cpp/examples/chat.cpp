#include <modelwire.hpp>

#include <cstdlib>
#include <iostream>
#include <string>

int main(int argc, char **argv) // chat https://api.openai.com/v1
{
    const char *key = std::getenv("OPENAI_API_KEY");
    const std::string config = std::string(R"({"credentials":{"api_key":")") + (key ? key : "") +
                               R"("},"options":{"base_url":")" + (argc > 1 ? argv[1] : "") + R"("}})";
    const auto request = R"({"model":"gpt-4.1-nano","stream":true,
                             "messages":[{"role":"user","content":"Say hello."}]})";
    int status = EXIT_SUCCESS;
    try {
        auto answer = modelwire::stream("openai_compatible", config, request);
        for (std::string_view line : answer)
            std::cout << line << std::endl;
        std::cerr << "ended by: " << answer.result().info().end() << '\n';
    } catch (const modelwire::Error &error) {
        std::cerr << error.what() << '\n' << error.body() << '\n';
        status = EXIT_FAILURE;
    }
    modelwire::shutdown();
    return status;
}
