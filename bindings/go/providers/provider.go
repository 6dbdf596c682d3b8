package providers

import (
	"encoding/json"
	"slices"
	"sync"
)

// The names of the providers.
const (
	ProviderOpenAI           = "openai"
	ProviderOpenAICompatible = "openai_compatible"
	ProviderAnthropic        = "anthropic"
	ProviderGoogle           = "google"
	ProviderVertex           = "vertex"
	ProviderAzure            = "azure"
	ProviderBedrock          = "bedrock"
	ProviderMistral          = "mistral"
	ProviderGroq             = "groq"
	ProviderDeepSeek         = "deepseek"
)

// SupportedProviders gives the names of all providers that the linked library knows.
func SupportedProviders() []string {
	return slices.Clone(supportedProviders())
}

// IsValidProvider says whether a provider has exactly this name.
func IsValidProvider(provider string) bool {
	return isValidProvider(newCName(provider))
}

var supportedProviders = sync.OnceValue(func() []string {
	var names []string
	_ = json.Unmarshal([]byte(supportedProvidersJSON()), &names) // an array of names, by contract
	return names
})
