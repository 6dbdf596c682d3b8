// Go's net/http as gateways use it: one Transport with 20 idle connections for each host, a
// bufio.Scanner over a 512 KiB buffer with a 2 MiB limit, each line copied.
package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"modelwire.example/bench/internal/bench"
)

type client struct{ http.Client }

func main() {
	bench.Main(&client{http.Client{Transport: &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   20,
		IdleConnTimeout:       60 * time.Second,
		ResponseHeaderTimeout: 120 * time.Second,
		DisableCompression:    true,
	}}})
}

func (c *client) send(ctx context.Context, base string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer k")
	return c.Do(request)
}

func (c *client) Unary(ctx context.Context, base string, body []byte) error {
	response, err := c.send(ctx, base, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.ReadAll(response.Body)
	return err
}

func (c *client) Stream(ctx context.Context, base string, body []byte, take func()) error {
	response, err := c.send(ctx, base, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	scanner := bufio.NewScanner(response.Body)
	scanner.Buffer(make([]byte, 0, 512*1024), 2*1024*1024)
	var kept []byte
	for scanner.Scan() {
		kept = bytes.Clone(scanner.Bytes())
		take()
		if bytes.Equal(kept, []byte("data: [DONE]")) {
			_, err := io.Copy(io.Discard, response.Body)
			return err
		}
	}
	return scanner.Err()
}
