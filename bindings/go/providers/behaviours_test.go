package providers_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/modelwire/modelwire/bindings/go/providers"
)

// The list that every binding runs, and its format: behaviours.md beside it.
const behavioursFile = "../../../tests/behaviours.json"

type behaviour struct {
	Name        string          `json:"name"`
	Provider    string          `json:"provider"`
	Operation   string          `json:"operation"`
	Config      json.RawMessage `json:"config"`
	Request     json.RawMessage `json:"request"`
	Script      json.RawMessage `json:"script"`
	CancelAfter any             `json:"cancel_after"`
	OpenGate    *struct {
		Name       string `json:"name"`
		AfterLines int    `json:"after_lines"`
	} `json:"open_gate"`
	Expect struct {
		Status     string            `json:"status"`
		HTTPStatus int               `json:"http_status"`
		Lines      []json.RawMessage `json:"lines"`
		AllLines   json.RawMessage   `json:"all_lines"`
		Body       json.RawMessage   `json:"body"`
		BodyJSON   map[string]any    `json:"body_json"`
		Info       map[string]any    `json:"info"`
		Request    json.RawMessage   `json:"request"`
	} `json:"expect"`
}

type wantedRequest struct {
	Method  *string           `json:"method"`
	Target  *string           `json:"target"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

func TestBehaviours(t *testing.T) {
	text, err := os.ReadFile(behavioursFile)
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Version    int         `json:"version"`
		Behaviours []behaviour `json:"behaviours"`
	}
	if err := strict(text, &list); err != nil {
		t.Fatal(err)
	}
	if list.Version != 1 || len(list.Behaviours) < 60 {
		t.Fatalf("version %d, %d behaviours", list.Version, len(list.Behaviours))
	}
	for _, b := range list.Behaviours {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			s := script(t, string(b.Script))
			performance{t: t, behaviour: b, upstream: s}.run().check()
		})
	}
}

// strict reads JSON and fails on a field that nobody here knows.
func strict(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// performance is one entry being run, and what came of it.
type performance struct {
	t *testing.T
	behaviour
	upstream *scripted

	status     string
	httpStatus int
	lines      []byte
	body       []byte
	info       map[string]any
}

func (p performance) run() performance {
	var info providers.Info
	ctx, cancel := context.WithCancel(providers.WithInfo(patient(p.t), &info))
	defer cancel()
	switch p.CancelAfter {
	case nil:
	case "start":
		cancel()
	case "sent":
		go p.cancelWhenSent(cancel)
	default:
		if _, ok := p.CancelAfter.(float64); !ok {
			p.t.Fatalf("cancel_after is %v", p.CancelAfter)
		}
	}
	err := p.perform(ctx, cancel)
	// What is known of a call is in the info that was asked for and in its error; a probe has
	// no error, and a config that never became a call no info.
	var failure *providers.Error
	var refused *providers.BackendError
	switch {
	case errors.As(err, &refused):
		p.status, p.httpStatus, p.body = "backend", refused.StatusCode, refused.Body
		p.sameInfo(&info, refused.Info)
	case errors.As(err, &failure):
		p.status, p.httpStatus = strings.TrimPrefix(failure.Status.Error(), "modelwire: "), failure.HTTPStatus
		p.sameInfo(&info, failure.Info)
	case err != nil:
		p.t.Fatal(err)
	default:
		p.status, p.httpStatus = info.Status, info.HTTPStatus
	}
	if err := json.Unmarshal(info.Raw, &p.info); err != nil {
		p.t.Fatalf("%v: %q", err, info.Raw)
	}
	return p
}

func (p *performance) sameInfo(asked, inError *providers.Info) {
	if !reflect.DeepEqual(asked, inError) {
		p.t.Errorf("the error says %+v, the info %+v", inError, asked)
	}
}

func (p *performance) cancelWhenSent(cancel func()) {
	eventually(p.t, "the request arrives", func() bool { return len(p.upstream.requests()) > 0 })
	cancel()
}

func (p *performance) perform(ctx context.Context, cancel func()) (err error) {
	client := providers.NewClient(p.Provider)
	config, raw := p.config()
	request := p.bytes(p.Request)
	switch p.Operation {
	case "completions":
		if raw != nil {
			p.body, err = providers.RawCompletions(client, ctx, raw, request)
		} else {
			p.body, err = client.Completions(ctx, config, request)
		}
		return err
	case "completions_stream":
		var seq iter.Seq2[[]byte, error]
		if raw != nil {
			seq, err = providers.RawCompletionsStream(client, ctx, raw, request)
		} else {
			seq, err = client.CompletionsStream(ctx, config, request)
		}
		if err != nil {
			return err
		}
		count := 0
		p.linesTaken(count, cancel)
		for line, err := range seq {
			if err != nil {
				return err
			}
			p.lines = append(append(p.lines, line...), '\n')
			count++
			p.linesTaken(count, cancel)
		}
		return nil
	case "test_connection":
		var got providers.ProbeResult
		if raw != nil {
			got = providers.RawConnectionTest(client, ctx, raw)
		} else {
			got = client.TestConnection(ctx, config)
		}
		p.body, err = json.Marshal(map[string]any{
			"ok": got.OK, "stage": got.Stage, "status_code": got.StatusCode, "message": got.Message,
		})
		return err
	default:
		p.t.Fatalf("operation %q", p.Operation)
		return nil
	}
}

// linesTaken does what is to be done once so many lines were taken.
func (p *performance) linesTaken(count int, cancel func()) {
	if p.CancelAfter == float64(count) {
		cancel()
	}
	if p.OpenGate != nil && p.OpenGate.AfterLines == count {
		p.upstream.control(http.MethodPost, "/gates/"+p.OpenGate.Name, "")
	}
}

// config gives the entry's config as a program would write it; or raw, where none could: it
// is no JSON object, or has a field of a wrong type.
func (p *performance) config() (config *providers.Config, raw []byte) {
	text := bytes.ReplaceAll(p.Config, []byte("{base}"), []byte(p.upstream.url()))
	var unread string
	if json.Unmarshal(text, &unread) == nil {
		return nil, []byte(unread)
	}
	config = &providers.Config{}
	err := strict(text, config)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return config, nil
	case errors.As(err, &wrongType):
		return nil, text
	default:
		p.t.Fatal(err)
		return nil, nil
	}
}

func (p performance) check() {
	want := p.Expect
	if p.status != want.Status || p.httpStatus != want.HTTPStatus {
		p.t.Errorf("%s, HTTP %d; expected %s, HTTP %d; %v", p.status, p.httpStatus, want.Status, want.HTTPStatus, p.info)
	}
	if want.Lines != nil {
		var lines []byte
		for _, line := range want.Lines {
			lines = append(append(lines, p.bytes(line)...), '\n')
		}
		p.same("lines", p.lines, lines)
	}
	if want.AllLines != nil {
		p.same("lines", p.lines, p.bytes(want.AllLines))
	}
	if want.Body != nil {
		p.same("body", p.body, p.bytes(want.Body))
	}
	if want.BodyJSON != nil {
		var body map[string]any
		if err := json.Unmarshal(p.body, &body); err != nil {
			p.t.Error(err)
		}
		p.holds("body", body, want.BodyJSON)
	}
	p.holds("info", p.info, want.Info)
	if want.Request != nil {
		p.checkRequest(want.Request)
	}
}

func (p *performance) holds(what string, got, want map[string]any) {
	for key, value := range want {
		if !reflect.DeepEqual(got[key], value) {
			p.t.Errorf("%s.%s is %v, not %v", what, key, got[key], value)
		}
	}
}

func (p *performance) same(what string, got, want []byte) {
	if !bytes.Equal(got, want) {
		p.t.Errorf("%s: %.200q, not %.200q", what, got, want)
	}
}

func (p *performance) checkRequest(text json.RawMessage) {
	got := p.upstream.requests()
	if string(text) == "null" {
		if len(got) != 0 {
			p.t.Errorf("sent %+v", got)
		}
		return
	}
	var want wantedRequest
	if err := strict(text, &want); err != nil {
		p.t.Fatal(err)
	}
	if len(got) != 1 {
		p.t.Fatalf("%d requests", len(got))
	}
	if want.Method != nil && got[0].Method != *want.Method {
		p.t.Errorf("method %s", got[0].Method)
	}
	if want.Target != nil && got[0].Target != *want.Target {
		p.t.Errorf("target %s", got[0].Target)
	}
	for name, value := range want.Headers {
		var values []string
		for _, header := range got[0].Headers {
			if strings.EqualFold(header[0], name) {
				values = append(values, header[1])
			}
		}
		if !slices.Equal(values, []string{value}) {
			p.t.Errorf("header %s: %q, not %q", name, values, value)
		}
	}
	if want.Body != nil {
		p.same("the request's body", got[0].Body, p.bytes(want.Body))
	}
}

// bytes reads bytes as the list writes them.
func (p *performance) bytes(text json.RawMessage) []byte {
	if len(text) == 0 {
		return nil
	}
	var plain string
	if json.Unmarshal(text, &plain) == nil {
		return []byte(plain)
	}
	var parts []json.RawMessage
	if json.Unmarshal(text, &parts) == nil {
		var all []byte
		for _, part := range parts {
			all = append(all, p.bytes(part)...)
		}
		return all
	}
	var other struct {
		Base64 *string `json:"base64"`
		Repeat *string `json:"repeat"`
		Times  int     `json:"times"`
	}
	if err := strict(text, &other); err != nil {
		p.t.Fatal(err)
	}
	if other.Repeat != nil {
		return []byte(strings.Repeat(*other.Repeat, other.Times))
	}
	decoded, err := base64.StdEncoding.DecodeString(*other.Base64)
	if err != nil {
		p.t.Fatal(err)
	}
	return decoded
}
