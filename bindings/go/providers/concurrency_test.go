package providers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelwire/modelwire/bindings/go/providers"
)

func TestManyStreamsHoldFewThreads(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("counts threads in /proc")
	}
	if !inFreshProcess(t) { // Go keeps every thread that a busier moment once needed
		return
	}
	const streams, limit = 1000, 20
	s := script(t, `[[{"chunked_open":["data: one\n"]},{"wait_for":"all"},{"send":"8\r\ndata: 2\n\r\n0\r\n\r\n"}]]`)
	config, ctx := s.config(), patient(t)
	var begun, ended sync.WaitGroup
	begun.Add(streams)
	failures := make(chan error, streams)
	for range streams {
		ended.Add(1)
		go func() {
			defer ended.Done()
			count := 0
			seq, err := compatible.CompletionsStream(ctx, config, request)
			if err != nil {
				begun.Done()
				failures <- err
				return
			}
			for _, err := range seq {
				if err != nil {
					failures <- err
				}
				if count++; count == 1 {
					begun.Done()
				}
			}
			if count != 2 {
				failures <- fmt.Errorf("%d lines", count)
			}
		}()
	}
	begun.Wait()
	if live := liveCalls(t); live != streams {
		t.Errorf("%d calls are live", live)
	}
	if threads := threads(t); threads >= limit {
		t.Errorf("%d streams hold %d threads", streams, threads)
	} else {
		t.Logf("%d streams, %d threads", streams, threads)
	}
	s.open("all")
	ended.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
	noCallIsLeft(t)
}

// inFreshProcess says whether this process runs the calling test and nothing else. If not, it
// runs such a one, whose result is the test's.
func inFreshProcess(t *testing.T) bool {
	t.Helper()
	const variable = "MODELWIRE_TEST_ALONE"
	if os.Getenv(variable) != "" {
		return true
	}
	alone := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	alone.Env = append(os.Environ(), variable+"=1")
	output, err := alone.CombinedOutput()
	t.Logf("alone: %s", output)
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Fatal(err)
	}
	return false
}

func threads(t testing.TB) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if count, ok := strings.CutPrefix(line, "Threads:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(count))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no count of threads")
	return 0
}

func TestGoroutinesDoNotDisturbEachOther(t *testing.T) {
	whole := script(t, `[[{"reply":{"body":"{}"}}]]`)
	stream := script(t, `[[{"sse":"data: 1\n\ndata: [DONE]\n\n"}]]`)
	hangs := script(t, `[[{"chunked_open":["data: one\n"]},"hang"]]`)
	var all sync.WaitGroup
	for range 32 {
		all.Add(3)
		go func() {
			defer all.Done()
			for range 10 {
				if body, err := compatible.Completions(patient(t), whole.config(), request); err != nil || string(body) != "{}" {
					t.Errorf("%q, %v", body, err)
				}
			}
		}()
		go func() {
			defer all.Done()
			for range 10 {
				seq, err := compatible.CompletionsStream(patient(t), stream.config(), request)
				if err != nil {
					t.Error(err)
					return
				}
				if lines, err := collect(seq); err != nil || len(lines) != 3 {
					t.Errorf("%q, %v", lines, err)
				}
			}
		}()
		go func() {
			defer all.Done()
			for i := range 10 {
				ctx, cancel := context.WithCancel(context.Background())
				seq, err := compatible.CompletionsStream(ctx, hangs.config(), request)
				if err != nil {
					t.Error(err)
				} else if i%2 == 0 {
					for range seq {
						break
					}
				} else {
					time.AfterFunc(time.Millisecond, cancel)
					if _, err := collect(seq); !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				}
				cancel()
			}
		}()
	}
	all.Wait()
	noCallIsLeft(t)
}

func TestAfterShutdownItStartsAfresh(t *testing.T) {
	hangs := script(t, `[[{"chunked_open":["data: one\n"]},"hang"]]`)
	seq := openStream(t, patient(t), hangs)
	if err := providers.Shutdown(0); err != nil {
		t.Fatal(err)
	}
	if _, err := collect(seq); !errors.Is(err, providers.ErrShutdown) {
		t.Fatal(err)
	}
	if err := providers.Init(map[string]any{"max_line_bytes": "x"}); !errors.Is(err, providers.ErrConfig) {
		t.Error(err)
	}
	if err := providers.Init(map[string]any{"max_idle_per_host": 5}); err != nil {
		t.Error(err)
	}
	s := script(t, `[[{"reply":{"body":"{}"}}]]`)
	if body, err := compatible.Completions(patient(t), s.config(), request); err != nil || string(body) != "{}" {
		t.Errorf("%q, %v", body, err)
	}
	if err := providers.Init(nil); !errors.Is(err, providers.ErrArgument) {
		t.Error(err)
	}
}
