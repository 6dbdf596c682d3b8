// Chat asks a model one question and prints the answer, each line of the stream as the
// provider sent it. Ctrl-C cancels.
//
//	chat [--no-stream] [--base-url URL] PROVIDER MODEL PROMPT
//	chat --probe [--base-url URL] PROVIDER
//
// The key comes from the variable that the provider's own SDK reads.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/modelwire/modelwire/bindings/go/providers"
)

// Exit statuses tell kinds of failure apart.
const (
	exitUsage     = 1
	exitInput     = 2 // config, request or credentials refused before sending
	exitNetwork   = 3
	exitProvider  = 4 // the provider answered an error
	exitBroken    = 5 // the answer broke off or was malformed
	exitLibrary   = 70
	exitCancelled = 130
)

var keyVariables = map[string]string{
	providers.ProviderOpenAI:           "OPENAI_API_KEY",
	providers.ProviderOpenAICompatible: "OPENAI_API_KEY",
	providers.ProviderAnthropic:        "ANTHROPIC_API_KEY",
	providers.ProviderGoogle:           "GEMINI_API_KEY",
	providers.ProviderVertex:           "GOOGLE_CLOUD_ACCESS_TOKEN",
	providers.ProviderAzure:            "AZURE_OPENAI_API_KEY",
	providers.ProviderBedrock:          "AWS_BEARER_TOKEN_BEDROCK",
	providers.ProviderMistral:          "MISTRAL_API_KEY",
	providers.ProviderGroq:             "GROQ_API_KEY",
	providers.ProviderDeepSeek:         "DEEPSEEK_API_KEY",
}

func main() {
	os.Exit(chat())
}

func chat() int {
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	whole := flags.Bool("no-stream", false, "wait for the whole answer")
	probe := flags.Bool("probe", false, "test the connection and the key instead")
	baseURL := flags.String("base-url", "", "another address of the provider: a gateway, a local server")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: chat [--no-stream] [--base-url URL] PROVIDER MODEL PROMPT\n"+
			"       chat --probe [--base-url URL] PROVIDER")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	case *probe && flags.NArg() != 1, !*probe && flags.NArg() != 3:
		flags.Usage()
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	provider := flags.Arg(0)
	client, config := providers.NewClient(provider), configFor(provider, *baseURL)
	if *probe {
		return reportProbe(client.TestConnection(ctx, config))
	}
	body := requestFor(provider, flags.Arg(1), flags.Arg(2), !*whole)
	if *whole {
		return report(printWhole(ctx, client, config, body))
	}
	return report(printStream(ctx, client, config, body))
}

func printWhole(ctx context.Context, client providers.Client, config *providers.Config, body []byte) error {
	answer, err := client.Completions(ctx, config, body)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%s\n", answer)
	return err
}

func printStream(ctx context.Context, client providers.Client, config *providers.Config, body []byte) error {
	lines, err := client.CompletionsStream(ctx, config, body)
	if err != nil {
		return err
	}
	for line, err := range lines {
		if err != nil {
			return err
		}
		if _, err := fmt.Printf("%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

func configFor(provider, baseURL string) *providers.Config {
	config := &providers.Config{Options: map[string]any{}}
	config.Credentials.ApiKey = os.Getenv(keyVariables[provider])
	if baseURL != "" {
		config.Options["base_url"] = baseURL
	}
	switch provider {
	case providers.ProviderAzure:
		config.Credentials.Azure = &providers.Azure{
			Endpoint:   os.Getenv("AZURE_OPENAI_ENDPOINT"),
			ApiVersion: os.Getenv("OPENAI_API_VERSION"),
		}
	case providers.ProviderBedrock:
		config.Credentials.AwsBedrock = &providers.AwsBedrock{Region: os.Getenv("AWS_REGION")}
	case providers.ProviderVertex:
		config.Options["project"] = os.Getenv("GOOGLE_CLOUD_PROJECT")
		config.Options["location"] = os.Getenv("GOOGLE_CLOUD_LOCATION")
	}
	return config
}

// requestFor writes the body that the provider documents; modelwire changes no byte of it.
func requestFor(provider, model, prompt string, stream bool) []byte {
	request := map[string]any{"model": model}
	switch provider {
	case providers.ProviderGoogle, providers.ProviderVertex:
		part := map[string]any{"text": prompt}
		request["contents"] = []any{map[string]any{"role": "user", "parts": []any{part}}}
		stream = false // their URL says it
	case providers.ProviderAnthropic:
		request["max_tokens"] = 1024
	case providers.ProviderBedrock: // a model that speaks Anthropic's messages
		request["max_tokens"] = 1024
		request["anthropic_version"] = "bedrock-2023-05-31"
	}
	if request["contents"] == nil {
		request["messages"] = []any{map[string]any{"role": "user", "content": prompt}}
	}
	if stream {
		request["stream"] = true
	}
	body, _ := json.Marshal(request) // strings and numbers always encode
	return body
}

func report(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "chat:", err)
	var refused *providers.BackendError
	var failure *providers.Error
	switch {
	case errors.As(err, &refused):
		fmt.Fprintf(os.Stderr, "%s\n", refused.Body)
		return exitProvider
	case errors.As(err, &failure):
		return exitOf(failure.Status)
	default: // standard output was closed
		return exitCancelled
	}
}

func exitOf(status providers.Status) int {
	switch status {
	case providers.ErrArgument, providers.ErrConfig, providers.ErrProvider, providers.ErrRequest,
		providers.ErrModelNotAllowed, providers.ErrCredentials:
		return exitInput
	case providers.ErrConnect, providers.ErrTLS, providers.ErrTimeout:
		return exitNetwork
	case providers.ErrTruncated, providers.ErrProtocol, providers.ErrStream:
		return exitBroken
	case providers.ErrCancelled:
		return exitCancelled
	default:
		return exitLibrary
	}
}

func reportProbe(result providers.ProbeResult) int {
	fmt.Printf("ok: %t, stage: %s, status: %d %s\n", result.OK, result.Stage, result.StatusCode, result.Message)
	switch {
	case result.OK:
		return 0
	case result.Stage == providers.StageConnectivity:
		return exitNetwork
	case result.Stage == providers.StageAuthentication:
		return exitInput
	default:
		return exitProvider
	}
}
