package providers_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelwire/modelwire/bindings/go/providers"
)

// upstreamURL is where the scripted server of this test run listens.
var upstreamURL string

// TestMain starts the server that MODELWIRE_UPSTREAM names. It ends with the pipe to it.
func TestMain(m *testing.M) {
	os.Exit(withUpstream(m.Run))
}

func withUpstream(tests func() int) int {
	path := os.Getenv("MODELWIRE_UPSTREAM")
	if path == "" {
		fmt.Fprintln(os.Stderr, "set MODELWIRE_UPSTREAM to the upstream program, target/release/examples/upstream")
		return 2
	}
	server := exec.Command(path, "--until-eof")
	server.Stderr = os.Stderr
	input, err := server.StdinPipe()
	if err != nil {
		panic(err)
	}
	output, err := server.StdoutPipe()
	if err != nil {
		panic(err)
	}
	if err := server.Start(); err != nil {
		panic(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		panic(err)
	}
	upstreamURL = strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	code := tests()
	_ = input.Close()
	_ = server.Wait()
	return code
}

// script has the upstream replay replies (JSON, see the upstream's own documentation) and
// gives its base URL.
func script(t testing.TB, replies string) *scripted {
	t.Helper()
	id := fmt.Sprintf("go-%d", scripts.Add(1))
	s := &scripted{t, id}
	s.control(http.MethodPut, "", replies)
	t.Cleanup(func() { s.control(http.MethodDelete, "", "") })
	return s
}

var scripts atomic.Int64

type scripted struct {
	t  testing.TB
	id string
}

// config is an OpenAI-compatible config that reaches the script.
func (s *scripted) config() *providers.Config {
	return &providers.Config{
		Credentials: providers.Credentials{ApiKey: "key"},
		Options:     map[string]any{"base_url": s.url()},
	}
}

func (s *scripted) url() string { return upstreamURL + "/s/" + s.id }

// open opens a gate.
func (s *scripted) open(gate string) {
	s.t.Helper()
	s.control(http.MethodPost, "/gates/"+gate, "")
}

// received is one request that the upstream got.
type received struct {
	Method  string      `json:"method"`
	Target  string      `json:"target"`
	Headers [][2]string `json:"headers"`
	Body    []byte      `json:"body_base64"`
}

func (r received) header(name string) string {
	for _, header := range r.Headers {
		if strings.EqualFold(header[0], name) {
			return header[1]
		}
	}
	return ""
}

func (s *scripted) requests() []received {
	s.t.Helper()
	var got []received
	if err := json.Unmarshal(s.control(http.MethodGet, "/requests", ""), &got); err != nil {
		s.t.Fatal(err)
	}
	return got
}

func (s *scripted) control(method, path, body string) []byte {
	s.t.Helper()
	req, err := http.NewRequest(method, upstreamURL+"/__scripts/"+s.id+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s: %s %s", method, req.URL, resp.Status, answer)
	}
	return answer
}

// quoted is text as a JSON string.
func quoted(text string) string {
	encoded, _ := json.Marshal(text)
	return string(encoded)
}
