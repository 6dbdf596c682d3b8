package providers

import "encoding/json"

// The values of OpenAIOptions.API.
const (
	OpenAIAPICompletions = "completions"
	OpenAIAPIResponses   = "responses"
)

// OpenAIOptions are Config.Options of ProviderOpenAI, decoded.
type OpenAIOptions struct {
	API     string            `json:"api"` // OpenAIAPICompletions unless said
	BaseURL string            `json:"base_url"`
	Headers map[string]string `json:"headers"`
}

// OpenAICompatibleOptions are Config.Options of ProviderOpenAICompatible, decoded.
type OpenAICompatibleOptions struct {
	BaseURL string            `json:"base_url"` // required; without a trailing slash
	Headers map[string]string `json:"headers"`
}

// VertexOptions are Config.Options of ProviderVertex, decoded.
type VertexOptions struct {
	Project   string            `json:"project"`  // required
	Location  string            `json:"location"` // required; in lower case
	Version   string            `json:"version"`  // "v1" unless said
	Publisher string            `json:"publisher"`
	Action    string            `json:"action"`
	BaseURL   string            `json:"base_url"`
	Headers   map[string]string `json:"headers"`
}

// DecodeOpenAIOptions checks and decodes the options of ProviderOpenAI.
func DecodeOpenAIOptions(options map[string]any) (OpenAIOptions, error) {
	return decodeOptions[OpenAIOptions](ProviderOpenAI, options)
}

// DecodeOpenAICompatibleOptions checks and decodes the options of ProviderOpenAICompatible.
func DecodeOpenAICompatibleOptions(options map[string]any) (OpenAICompatibleOptions, error) {
	return decodeOptions[OpenAICompatibleOptions](ProviderOpenAICompatible, options)
}

// DecodeVertexOptions checks and decodes the options of ProviderVertex.
func DecodeVertexOptions(options map[string]any) (VertexOptions, error) {
	return decodeOptions[VertexOptions](ProviderVertex, options)
}

// ValidateProviderOptions checks the options of any provider: ErrConfig with the option's
// path, ErrProvider when there is no such provider.
func ValidateProviderOptions(provider string, options map[string]any) error {
	_, err := checkedOptions(provider, options)
	return err
}

func decodeOptions[T any](provider string, options map[string]any) (T, error) {
	var decoded T
	body, err := checkedOptions(provider, options)
	if err != nil {
		return decoded, err
	}
	if err := json.Unmarshal(body, &decoded); err != nil {
		return decoded, &Error{Status: ErrConfig, Message: err.Error()}
	}
	return decoded, nil
}

func checkedOptions(provider string, options map[string]any) ([]byte, error) {
	encoded, err := encodeOptions(options)
	if err != nil {
		return nil, err
	}
	checked := validateOptions(newCName(provider), encoded)
	return checked.body, errorOf(checked)
}

func encodeOptions(options map[string]any) ([]byte, error) {
	if len(options) == 0 {
		return nil, nil
	}
	encoded, err := json.Marshal(options)
	if err != nil {
		return nil, &Error{Status: ErrConfig, Message: "options: " + err.Error()}
	}
	return encoded, nil
}
