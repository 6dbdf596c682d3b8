package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// event is one event of a stream as a provider sends it: a line and an empty one.
const event = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,` +
	`"model":"m","choices":[{"index":0,"delta":{"content":" hello"},"finish_reason":null}]}` + "\n\n"

const answer = `{"id":"chatcmpl-1","object":"chat.completion","model":"m","choices":[{"index":0,` +
	`"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}]}`

// upstream is the bundled scripted server.
type upstream struct {
	url     string
	input   io.Closer
	process *exec.Cmd
}

func startUpstream(path string) (*upstream, error) {
	if path == "" {
		return nil, errors.New("set MODELWIRE_UPSTREAM to the upstream program")
	}
	process := exec.Command(path, "--until-eof")
	input, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		return nil, err
	}
	return &upstream{strings.TrimSpace(strings.TrimPrefix(line, "listening on ")), input, process}, nil
}

func (u *upstream) stop() {
	_ = u.input.Close()
	_ = u.process.Wait()
}

func (u *upstream) put(id, script string) error {
	req, err := http.NewRequest(http.MethodPut, u.url+"/__scripts/"+id, strings.NewReader(script))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the upstream refused the script: %s", resp.Status)
	}
	return nil
}

// scriptOf is what the upstream sends. One HTTP chunk carries one event.
func scriptOf(shape string, lines int, pace time.Duration) string {
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(event), event)
	const last = "0\r\n\r\n"
	head := map[string]any{"send": "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"}
	var steps []any
	switch shape {
	case "unary":
		steps = []any{map[string]any{"reply": map[string]any{
			"headers": map[string]string{"content-type": "application/json"}, "body": answer}}}
	case "fast":
		repeat := map[string]any{"text": chunk, "times": fastLines / 2}
		steps = []any{head, map[string]any{"repeat": repeat}, map[string]any{"send": last}}
	case "paced":
		slowly := map[string]any{"text": strings.Repeat(chunk, lines), "size": len(chunk), "pause_ms": pace.Milliseconds()}
		steps = []any{head, map[string]any{"send_slowly": slowly}, map[string]any{"send": last}}
	}
	script, _ := json.Marshal([]any{steps}) // maps of strings and numbers
	return string(script)
}
