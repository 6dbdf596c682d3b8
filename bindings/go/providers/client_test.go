package providers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/modelwire/modelwire/bindings/go/providers"
)

var compatible = providers.NewClient(providers.ProviderOpenAICompatible)

var request = []byte(`{ "model" : "m", "messages": [], "odd": 1.0e2 }`)

// patience is how long a test waits for what must happen; no result depends on it.
const patience = 30 * time.Second

func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until what is so.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); {
		if time.Now().After(end) {
			t.Fatalf("%s: still not so", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// liveCalls is how many calls the library holds.
func liveCalls(t testing.TB) int {
	t.Helper()
	var stats struct {
		Calls   int `json:"calls"`
		Results int `json:"results"`
	}
	if err := json.Unmarshal(providers.Stats(), &stats); err != nil {
		t.Fatal(err)
	}
	return stats.Calls + stats.Results
}

func noCallIsLeft(t testing.TB) {
	t.Helper()
	eventually(t, "no call is left in the library", func() bool { return liveCalls(t) == 0 })
}

// collect reads a stream to its end.
func collect(seq iter.Seq2[[]byte, error]) (lines []string, err error) {
	for line, lineErr := range seq {
		if lineErr != nil {
			return lines, lineErr
		}
		lines = append(lines, string(line))
	}
	return lines, nil
}

func openStream(t testing.TB, ctx context.Context, s *scripted) iter.Seq2[[]byte, error] {
	t.Helper()
	seq, err := compatible.CompletionsStream(ctx, s.config(), request)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func TestCompletionsIsVerbatimBothWays(t *testing.T) {
	s := script(t, `[[{"reply":{"body_base64":"eyJhIjr/fQo="}}]]`)
	body, err := compatible.Completions(patient(t), s.config(), request)
	if err != nil || string(body) != "{\"a\":\xff}\n" {
		t.Fatalf("%q, %v", body, err)
	}
	got := s.requests()[0]
	if !bytes.Equal(got.Body, request) || got.Target != "/chat/completions" || got.header("authorization") != "Bearer key" {
		t.Errorf("sent %s %q with %q", got.Target, got.Body, got.Headers)
	}
	noCallIsLeft(t)
}

func TestAStreamGivesEveryLineAsItIs(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	for name, test := range map[string]struct {
		steps string
		lines []string
	}{
		"done ends it":  {`{"sse":"data: 1\n\ndata: [DONE]\n\n"}`, []string{"data: 1", "", "data: [DONE]"}},
		"end of file":   {`{"sse":": ping\r\nevent: a\ndata: 1\n\nid: 2"}`, []string{": ping", "event: a", "data: 1", "", "id: 2"}},
		"nothing":       {`{"sse":""}`, nil},
		"no UTF-8":      {`{"reply":{"body_base64":"/wD+Cg=="}}`, []string{"\xff\x00\xfe"}},
		"a large line":  {`{"sse":` + quoted("a\n"+long+"\nb\n") + `}`, []string{"a", long, "b"}},
		"many batches":  {`{"sse_chunks":["a\n","b\nc","d\n","e\n"]}`, []string{"a", "b", "cd", "e"}},
		"JSON, not SSE": {`{"reply":{"body":"{\n}\n"}}`, []string{"{", "}"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := script(t, "[["+test.steps+"]]")
			lines, err := collect(openStream(t, patient(t), s))
			if err != nil || !slices.Equal(lines, test.lines) {
				t.Fatalf("%.100q, %v", lines, err)
			}
		})
	}
	noCallIsLeft(t)
}

func TestLinesMayBeKeptAndChanged(t *testing.T) {
	var text strings.Builder
	var want []string
	for i := range 5000 {
		line := fmt.Sprintf("data: line %d %s", i, strings.Repeat("y", i%300))
		want = append(want, line)
		text.WriteString(line + "\n")
	}
	s := script(t, `[[{"sse":`+quoted(text.String())+`}]]`)
	var kept [][]byte
	for line, err := range openStream(t, patient(t), s) {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, line)
		_ = append(line, "overwrites nothing"...)
	}
	for i, line := range kept {
		if string(line) != want[i] {
			t.Fatalf("line %d became %q", i, line)
		}
	}
	if len(kept) != len(want) {
		t.Fatalf("%d lines", len(kept))
	}
}

func TestKeptLinesOutliveLaterBatches(t *testing.T) {
	steps, want := `{"chunked_open":["line 0\n"]}`, []string{"line 0"}
	for i := 1; i < 8; i++ {
		steps += fmt.Sprintf(`,{"wait_for":"%d"},{"send":"7\r\nline %d\n\r\n"}`, i, i)
		want = append(want, fmt.Sprintf("line %d", i))
	}
	s := script(t, "[["+steps+`,{"send":"0\r\n\r\n"}]]`)
	var kept [][]byte
	for line, err := range openStream(t, patient(t), s) {
		if err != nil {
			t.Fatal(err)
		}
		if kept = append(kept, line); len(kept) < len(want) {
			s.open(strconv.Itoa(len(kept))) // so that each line is a batch
		}
	}
	for i, line := range kept {
		if string(line) != want[i] {
			t.Errorf("line %d became %q", i, line)
		}
	}
}

func TestARefusalIsABackendError(t *testing.T) {
	s := script(t, `[[{"reply":{"status":429,"headers":{"retry-after":" 7 "},"body":"{\"error\":\"slow down\"}"}}]]`)
	_, unary := compatible.Completions(patient(t), s.config(), request)
	_, streamed := compatible.CompletionsStream(patient(t), s.config(), request)
	for _, err := range []error{unary, streamed} {
		var refused *providers.BackendError
		if !errors.As(err, &refused) || !errors.Is(err, providers.ErrBackend) || errors.Is(err, providers.ErrTimeout) {
			t.Fatal(err)
		}
		if refused.StatusCode != 429 || string(refused.Body) != `{"error":"slow down"}` || refused.RetryAfter != "7" {
			t.Errorf("%+v", refused)
		}
		if !refused.Info.Retryable || *refused.Info.RetryAfterMS != 7000 || refused.Info.HTTPStatus != 429 {
			t.Errorf("%s", refused.Info.Raw)
		}
	}
	noCallIsLeft(t)
}

func TestErrorsHaveKinds(t *testing.T) {
	hangs := script(t, `[["hang"]]`)
	silent := hangs.config()
	silent.Timeouts = &providers.Timeouts{TotalMS: 50}
	cut := script(t, `[[{"send":"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"},"close"]]`)
	garbage := script(t, `[[{"send":"SSH-2.0-x\r\n"},"close"]]`)
	choosy := script(t, `[[{"reply":{}}]]`).config()
	choosy.AllowedModels = []string{"other"}
	for name, test := range map[string]struct {
		provider string
		config   *providers.Config
		kinds    []error
	}{
		"no provider":       {"nobody", nil, []error{providers.ErrProvider}},
		"a NUL in the name": {"openai\x00", nil, []error{providers.ErrProvider}},
		"no config":         {"mistral", nil, []error{providers.ErrCredentials}},
		"a bad option":      {"openai_compatible", &providers.Config{Options: map[string]any{"base_url": 1}}, []error{providers.ErrConfig}},
		"no JSON":           {"openai", &providers.Config{Options: map[string]any{"f": func() {}}}, []error{providers.ErrConfig}},
		"another model":     {"openai_compatible", choosy, []error{providers.ErrModelNotAllowed}},
		"nobody listens":    {"openai_compatible", at("http://127.0.0.1:1"), []error{providers.ErrConnect}},
		"no TLS":            {"openai_compatible", at(strings.Replace(hangs.url(), "http:", "https:", 1)), []error{providers.ErrTLS}},
		"a deadline":        {"openai_compatible", silent, []error{providers.ErrTimeout, context.DeadlineExceeded}},
		"cut off":           {"openai_compatible", cut.config(), []error{providers.ErrTruncated, io.ErrUnexpectedEOF}},
		"no HTTP":           {"openai_compatible", garbage.config(), []error{providers.ErrProtocol}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := providers.NewClient(test.provider).Completions(patient(t), test.config, request)
			var failure *providers.Error
			if !errors.As(err, &failure) || strings.Contains(err.Error(), "key\"") {
				t.Fatal(err)
			}
			for _, kind := range test.kinds {
				if !errors.Is(err, kind) {
					t.Errorf("%v is not %v", err, kind)
				}
			}
			if errors.Is(err, providers.ErrBackend) || errors.Is(err, context.Canceled) {
				t.Errorf("%v is too much", err)
			}
		})
	}
	noCallIsLeft(t)
}

func at(baseURL string) *providers.Config {
	return &providers.Config{
		Credentials: providers.Credentials{ApiKey: "key"},
		Options:     map[string]any{"base_url": baseURL},
	}
}

func TestAStreamThatBreaksOffEndsWithAnError(t *testing.T) {
	s := script(t, `[[{"chunked_open":["data: one\n\n","data: half"]},"close"]]`)
	lines, err := collect(openStream(t, patient(t), s))
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(lines) < 2 || lines[0] != "data: one" {
		t.Fatalf("%q, %v", lines, err)
	}
	noCallIsLeft(t)
}

func TestInfoIsFilledIn(t *testing.T) {
	s := script(t, `[[{"sse":"data: 1\n\ndata: [DONE]\n\n"}]]`)
	var info providers.Info
	if _, err := compatible.Completions(providers.WithInfo(patient(t), &info), s.config(), request); err != nil {
		t.Fatal(err)
	}
	if info.Status != "ok" || info.HTTPStatus != 200 || info.Operation != "completions" || info.BytesOut != uint64(len(request)) {
		t.Errorf("%s", info.Raw)
	}
	info = providers.Info{}
	lines, err := collect(openStream(t, providers.WithInfo(patient(t), &info), s))
	if err != nil || info.End != "done" || info.Lines != uint64(len(lines)) || info.Header("Content-Type") != "text/event-stream" {
		t.Errorf("%v %s", err, info.Raw)
	}
	info = providers.Info{}
	for range openStream(t, providers.WithInfo(patient(t), &info), script(t, `[[{"chunked_open":["data: 1\n"]},"hang"]]`)) {
		break
	}
	if info.End != "stopped" || info.Status != "ok" {
		t.Errorf("%+v", info)
	}
}
