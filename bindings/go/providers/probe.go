package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ProbeStage says how far a probe came.
type ProbeStage string

// How far a probe came.
const (
	StageConnectivity   ProbeStage = "connectivity"   // the provider could not be reached
	StageAuthentication ProbeStage = "authentication" // it was reached and judged the credentials, well or badly
	StageProvider       ProbeStage = "provider"       // it answered something else, or the options are wrong
	StageUnsupported    ProbeStage = "unsupported"    // there is no such provider
)

// ProbeResult is what a probe found out.
type ProbeResult struct {
	OK         bool
	Stage      ProbeStage
	StatusCode int    // of the answer; 0 when none came
	Message    string // what is wrong; "" when nothing is
}

// TestConnection asks the provider for something small with the credentials of config.
func (c *client) TestConnection(ctx context.Context, config *Config) ProbeResult {
	encoded, err := encodeConfig(config)
	if err != nil {
		return failedProbe(StageProvider, err)
	}
	return c.test(ctx, encoded)
}

func (c *client) test(ctx context.Context, config []byte) ProbeResult {
	return probe(ctx, opTestConnection, c.provider, config, nil)
}

// RunHTTPProbe sends req, a GET, and reads the status of the answer as providerKey means it;
// a key that is no provider's reads it in general. The request's URL, headers and context
// count. It is sent by the library: an http.Client or its transport has no part in it.
func RunHTTPProbe(providerKey string, req *http.Request) ProbeResult {
	if req.Method != "" && req.Method != http.MethodGet {
		return failedProbe(StageProvider, fmt.Errorf("a probe is a GET, not a %s", req.Method))
	}
	headers := make(map[string]string, len(req.Header))
	for name, values := range req.Header {
		headers[name] = strings.Join(values, ", ")
	}
	request, err := json.Marshal(struct {
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
	}{req.URL.String(), headers})
	if err != nil {
		return failedProbe(StageProvider, err)
	}
	return probe(req.Context(), opHTTPProbe, probedAs(providerKey), nil, request)
}

// RunBearerGETProbe probes url with apiKey as a bearer token.
func RunBearerGETProbe(ctx context.Context, providerKey, url, apiKey string) ProbeResult {
	return RunAPIKeyGETProbe(ctx, providerKey, url, apiKey, func(req *http.Request, key string) {
		req.Header.Set("Authorization", "Bearer "+key)
	})
}

// RunAPIKeyGETProbe probes url with apiKey where applyHeaders puts it.
func RunAPIKeyGETProbe(ctx context.Context, providerKey, url, apiKey string, applyHeaders func(*http.Request, string)) ProbeResult {
	if apiKey == "" {
		return failedProbe(StageAuthentication, errors.New("api key is required"))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return failedProbe(StageConnectivity, err)
	}
	applyHeaders(req, apiKey)
	return RunHTTPProbe(providerKey, req)
}

// ClassifyProbeStatus reads an HTTP status as the answer to a probe.
func ClassifyProbeStatus(statusCode int) ProbeResult {
	return classify(nil, statusCode)
}

// ClassifyProbeStatusForProvider does so as providerKey means it: Google answers 400 to a key
// that it does not know. A key that is no provider's is read in general.
func ClassifyProbeStatusForProvider(providerKey string, statusCode int) ProbeResult {
	return classify(probedAs(providerKey), statusCode)
}

func classify(provider cName, statusCode int) ProbeResult {
	if statusCode < 0 || statusCode > 999 {
		return ProbeResult{Stage: StageProvider, StatusCode: statusCode,
			Message: fmt.Sprintf("provider returned an unexpected status (%d)", statusCode)}
	}
	return verdict(classifyProbe(provider, int32(statusCode)).body)
}

// probedAs is the provider whose rules a probe follows. The general ones are those of any
// OpenAI-compatible server.
func probedAs(providerKey string) cName {
	if name := newCName(providerKey); isValidProvider(name) {
		return name
	}
	return newCName(ProviderOpenAICompatible)
}

func probe(ctx context.Context, operation uint32, provider cName, config, request []byte) ProbeResult {
	body, err := run(ctx, operation, provider, config, request)
	switch {
	case err == nil:
		return verdict(body)
	case errors.Is(err, ErrProvider):
		return failedProbe(StageUnsupported, err)
	case errors.Is(err, ErrCancelled), errors.Is(err, ErrTimeout), errors.Is(err, ErrShutdown):
		return failedProbe(StageConnectivity, fmt.Errorf("could not reach provider: %s", messageOf(err)))
	default:
		return failedProbe(StageProvider, err)
	}
}

func verdict(body []byte) ProbeResult {
	var read struct {
		OK         bool       `json:"ok"`
		Stage      ProbeStage `json:"stage"`
		StatusCode int        `json:"status_code"`
		Message    string     `json:"message"`
	}
	if err := json.Unmarshal(body, &read); err != nil {
		return failedProbe(StageProvider, err)
	}
	return ProbeResult(read)
}

func failedProbe(stage ProbeStage, err error) ProbeResult {
	return ProbeResult{Stage: stage, Message: messageOf(err)}
}

func messageOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
