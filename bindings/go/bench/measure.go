package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/modelwire/modelwire/bindings/go/providers"
)

var request = []byte(`{"model":"m","stream":true,"messages":[{"role":"user","content":"Say hello."}]}`)

// fastLines is how many lines a stream of the shape "fast" has.
const fastLines = 100_000

// asker is one way to make a call.
type asker struct {
	whole  func() error
	stream func() (lines int, err error)
}

// measure does the job and prints microseconds of CPU time for each call or line.
func measure(j job) error {
	ask := throughNetHTTP(j.url)
	if j.client == "modelwire" {
		ask = throughModelwire(j.url)
	}
	work := map[string]func(asker, job) (int, error){"unary": unary, "fast": fast, "paced": paced}[j.shape]
	if work == nil {
		return fmt.Errorf("no shape %q", j.shape)
	}
	if j.shape == "unary" { // connections, pools and code paths
		if _, err := unary(ask, job{calls: 500}); err != nil {
			return err
		}
	}
	runtime.GC()
	before := cpuTime()
	operations, err := work(ask, j)
	if err != nil {
		return err
	}
	fmt.Printf("%.3f\n", float64((cpuTime()-before).Nanoseconds())/1000/float64(operations))
	return nil
}

func unary(ask asker, j job) (int, error) {
	for range j.calls {
		if err := ask.whole(); err != nil {
			return 0, err
		}
	}
	return j.calls, nil
}

func fast(ask asker, _ job) (int, error) {
	total := 0
	for range 5 {
		lines, err := ask.stream()
		if err != nil {
			return 0, err
		}
		total += lines
	}
	return total, nil
}

func paced(ask asker, j job) (int, error) {
	var mu sync.Mutex
	var failure error
	total := 0
	var all sync.WaitGroup
	for range j.streams {
		all.Add(1)
		go func() {
			defer all.Done()
			lines, err := ask.stream()
			mu.Lock()
			defer mu.Unlock()
			total += lines
			if err != nil {
				failure = err
			}
		}()
	}
	all.Wait()
	return total, failure
}

func throughModelwire(url string) asker {
	client := providers.NewClient(providers.ProviderOpenAICompatible)
	config := &providers.Config{
		Credentials: providers.Credentials{ApiKey: "key"},
		Options:     map[string]any{"base_url": url},
	}
	ctx := context.Background()
	return asker{
		whole: func() error {
			_, err := client.Completions(ctx, config, request)
			return err
		},
		stream: func() (int, error) {
			lines, err := client.CompletionsStream(ctx, config, request)
			if err != nil {
				return 0, err
			}
			count := 0
			for _, err := range lines {
				if err != nil {
					return count, err
				}
				count++
			}
			return count, nil
		},
	}
}

// throughNetHTTP does by hand what the package that modelwire re-creates does: a pooled
// transport, a scanner with a large buffer, a copy of each line.
func throughNetHTTP(url string) asker {
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns: 100, MaxIdleConnsPerHost: 20, DisableCompression: true, ForceAttemptHTTP2: true,
	}}
	post := func() (*http.Response, error) {
		req, err := http.NewRequest(http.MethodPost, url+"/chat/completions", bytes.NewReader(request))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer key")
		return client.Do(req)
	}
	return asker{
		whole: func() error {
			resp, err := post()
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.ReadAll(resp.Body)
			return err
		},
		stream: func() (int, error) {
			resp, err := post()
			if err != nil {
				return 0, err
			}
			defer resp.Body.Close()
			return scanLines(resp.Body)
		},
	}
}

func scanLines(body io.Reader) (int, error) {
	scanner := bufio.NewScanner(body)
	scanner.Buffer(make([]byte, 0, 64*1024), 16<<20)
	count := 0
	var kept []byte
	for scanner.Scan() {
		kept = append([]byte(nil), scanner.Bytes()...)
		count++
	}
	runtime.KeepAlive(kept)
	return count, scanner.Err()
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
