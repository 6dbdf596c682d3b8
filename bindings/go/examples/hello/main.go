package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/modelwire/modelwire/bindings/go/providers"
)

func main() { // hello https://api.openai.com/v1
	client := providers.NewClient(providers.ProviderOpenAICompatible)
	config := &providers.Config{
		Credentials: providers.Credentials{ApiKey: os.Getenv("OPENAI_API_KEY")},
		Options:     map[string]any{"base_url": os.Args[1]},
	}
	request := []byte(`{"model":"gpt-4.1-nano","stream":true,"messages":[{"role":"user","content":"Say hello."}]}`)
	lines, err := client.CompletionsStream(context.Background(), config, request)
	if err != nil {
		log.Fatal(err)
	}
	for line, err := range lines {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", line)
	}
}
