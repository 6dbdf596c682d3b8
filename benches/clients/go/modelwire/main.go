// modelwire through its Go binding, used as in the binding's README.
package main

import (
	"context"

	"github.com/modelwire/modelwire/bindings/go/providers"
	"modelwire.example/bench/internal/bench"
)

type client struct{ providers.ProviderClient }

func main() {
	bench.Main(client{providers.NewClient(providers.ProviderOpenAICompatible)})
}

func config(base string) *providers.Config {
	return &providers.Config{
		Credentials: providers.Credentials{ApiKey: "k"},
		Options:     map[string]any{"base_url": base},
	}
}

func (c client) Unary(ctx context.Context, base string, body []byte) error {
	_, err := c.Completions(ctx, config(base), body)
	return err
}

func (c client) Stream(ctx context.Context, base string, body []byte, take func()) error {
	lines, err := c.CompletionsStream(ctx, config(base), body)
	if err != nil {
		return err
	}
	for _, err := range lines {
		if err != nil {
			return err
		}
		take()
	}
	return nil
}
