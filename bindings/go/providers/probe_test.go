package providers_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/modelwire/modelwire/bindings/go/providers"
)

func TestProvidersAreNamed(t *testing.T) {
	named := []string{
		providers.ProviderOpenAI, providers.ProviderOpenAICompatible, providers.ProviderAnthropic,
		providers.ProviderGoogle, providers.ProviderVertex, providers.ProviderAzure,
		providers.ProviderBedrock, providers.ProviderMistral, providers.ProviderGroq,
		providers.ProviderDeepSeek,
	}
	supported := providers.SupportedProviders()
	for _, name := range named {
		if !slices.Contains(supported, name) {
			t.Errorf("%s is not supported", name)
		}
	}
	for _, name := range supported {
		if !slices.Contains(named, name) {
			t.Errorf("%s has no constant", name)
		}
		if !providers.IsValidProvider(name) {
			t.Errorf("%s is not valid", name)
		}
	}
	for _, name := range []string{"", "OpenAI", "openai ", "openai\x00"} {
		if providers.IsValidProvider(name) {
			t.Errorf("%q is valid", name)
		}
	}
}

func TestOptionsAreDecoded(t *testing.T) {
	headers := map[string]string{"x-team": "a"}
	compatible, err := providers.DecodeOpenAICompatibleOptions(map[string]any{"base_url": " http://h/v1/ ", "headers": headers})
	if want := (providers.OpenAICompatibleOptions{BaseURL: "http://h/v1", Headers: headers}); err != nil || !reflect.DeepEqual(compatible, want) {
		t.Errorf("%+v, %v", compatible, err)
	}
	openai, err := providers.DecodeOpenAIOptions(map[string]any{"api": "responses"})
	if err != nil || openai.API != providers.OpenAIAPIResponses {
		t.Errorf("%+v, %v", openai, err)
	}
	if openai, err = providers.DecodeOpenAIOptions(nil); err != nil || openai.API != providers.OpenAIAPICompletions {
		t.Errorf("%+v, %v", openai, err)
	}
	vertex, err := providers.DecodeVertexOptions(map[string]any{"project": "p", "location": "US-Central1"})
	if err != nil || vertex.Project != "p" || vertex.Location != "us-central1" || vertex.Version != "v1" {
		t.Errorf("%+v, %v", vertex, err)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for _, test := range []struct {
		provider string
		options  map[string]any
		kind     error
		says     string
	}{
		{"openai_compatible", nil, providers.ErrConfig, "base_url is required"},
		{"openai_compatible", map[string]any{"base_url": "ftp://h"}, providers.ErrConfig, "options.base_url"},
		{"openai", map[string]any{"api": "chat"}, providers.ErrConfig, "`completions` or `responses`"},
		{"vertex", map[string]any{"project": "p"}, providers.ErrConfig, "location is required"},
		{"groq", map[string]any{"headers": 1}, providers.ErrConfig, "options.headers"},
		{"groq", map[string]any{"x": make(chan int)}, providers.ErrConfig, "options"},
		{"nobody", nil, providers.ErrProvider, "nobody"},
		{"groq", nil, nil, ""},
	} {
		err := providers.ValidateProviderOptions(test.provider, test.options)
		if !errors.Is(err, test.kind) || (err != nil && !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s %v: %v", test.provider, test.options, err)
		}
	}
}

func TestAStatusIsReadAsAProbe(t *testing.T) {
	for _, test := range []struct {
		provider string
		status   int
		ok       bool
		stage    providers.ProbeStage
		says     string
	}{
		{"", 204, true, providers.StageAuthentication, ""},
		{"", 401, false, providers.StageAuthentication, "rejected the credentials (status 401)"},
		{"", 400, false, providers.StageProvider, "unexpected status (400)"},
		{"google", 400, false, providers.StageAuthentication, "rejected the credentials (status 400)"},
		{"nobody's", 400, false, providers.StageProvider, "unexpected status (400)"},
		{"groq", 503, false, providers.StageProvider, "unexpected status (503)"},
		{"groq", -1, false, providers.StageProvider, "unexpected status (-1)"},
	} {
		got := providers.ClassifyProbeStatusForProvider(test.provider, test.status)
		if test.provider == "" {
			got = providers.ClassifyProbeStatus(test.status)
		}
		if got.OK != test.ok || got.Stage != test.stage || got.StatusCode != test.status || !strings.Contains(got.Message, test.says) {
			t.Errorf("%s %d: %+v", test.provider, test.status, got)
		}
	}
}

func TestAConnectionIsTested(t *testing.T) {
	ok := script(t, `[[{"reply":{"body":"{}"}}]]`)
	rejects := script(t, `[[{"reply":{"status":401}}]]`)
	hangs := script(t, `[["hang"]]`)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, test := range map[string]struct {
		ctx      context.Context
		provider string
		config   *providers.Config
		want     providers.ProbeResult
	}{
		"ok":        {patient(t), "openai_compatible", ok.config(), providers.ProbeResult{OK: true, Stage: providers.StageAuthentication, StatusCode: 200}},
		"rejected":  {patient(t), "mistral", rejects.config(), providers.ProbeResult{Stage: providers.StageAuthentication, StatusCode: 401, Message: "rejected the credentials"}},
		"no key":    {patient(t), "groq", nil, providers.ProbeResult{Stage: providers.StageAuthentication, Message: "api key is required"}},
		"no option": {patient(t), "openai_compatible", nil, providers.ProbeResult{Stage: providers.StageProvider, Message: "base_url is required"}},
		"nobody":    {patient(t), "nobody", nil, providers.ProbeResult{Stage: providers.StageUnsupported, Message: "nobody"}},
		"no host":   {patient(t), "groq", at("http://127.0.0.1:1"), providers.ProbeResult{Stage: providers.StageConnectivity, Message: "could not reach provider"}},
		"cancelled": {cancelled, "groq", hangs.config(), providers.ProbeResult{Stage: providers.StageConnectivity, Message: "could not reach provider"}},
	} {
		t.Run(name, func(t *testing.T) {
			var tester providers.ConnectionTester = providers.NewClient(test.provider)
			got := tester.TestConnection(test.ctx, test.config)
			if !strings.Contains(got.Message, test.want.Message) || (got.Message == "") != (test.want.Message == "") {
				t.Errorf("it says %q", got.Message)
			}
			if got.Message = test.want.Message; got != test.want {
				t.Errorf("%+v", got)
			}
		})
	}
	if got := ok.requests()[0]; got.Method != "GET" || got.Target != "/models" || got.header("authorization") != "Bearer key" {
		t.Errorf("%+v", got)
	}
}

func TestAProbeOfOnesOwn(t *testing.T) {
	s := script(t, `[[{"reply":{"status":400}}]]`)
	ctx := patient(t)
	if got := providers.RunBearerGETProbe(ctx, "google", s.url()+"/a?b=c", "k"); got.Stage != providers.StageAuthentication || got.StatusCode != 400 {
		t.Errorf("%+v", got)
	}
	inHeader := func(req *http.Request, key string) { req.Header.Set("X-Api-Key", key) }
	if got := providers.RunAPIKeyGETProbe(ctx, "test", s.url(), "k", inHeader); got.Stage != providers.StageProvider || got.StatusCode != 400 {
		t.Errorf("%+v", got)
	}
	if got := providers.RunAPIKeyGETProbe(ctx, "test", s.url(), "", inHeader); got.Stage != providers.StageAuthentication || got.Message != "api key is required" {
		t.Errorf("%+v", got)
	}
	if got := providers.RunBearerGETProbe(ctx, "test", "http://a b/", "k"); got.Stage != providers.StageConnectivity {
		t.Errorf("%+v", got)
	}
	post, _ := http.NewRequest(http.MethodPost, s.url(), nil)
	if got := providers.RunHTTPProbe("test", post); got.OK || got.Stage != providers.StageProvider {
		t.Errorf("%+v", got)
	}
	requests := s.requests()
	if len(requests) != 2 || requests[0].Target != "/a?b=c" || requests[0].header("authorization") != "Bearer k" || requests[1].header("x-api-key") != "k" {
		t.Errorf("%+v", requests)
	}
}
