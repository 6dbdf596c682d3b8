package providers_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/modelwire/modelwire/bindings/go/providers"
)

func TestTheContextEndsACall(t *testing.T) {
	reason := errors.New("changed my mind")
	cancelled := func() (context.Context, func()) {
		ctx, cancel := context.WithCancelCause(context.Background())
		return ctx, func() { cancel(reason) }
	}
	deadline := func() (context.Context, func()) {
		ctx, cancel := context.WithTimeoutCause(context.Background(), 100*time.Millisecond, reason)
		t.Cleanup(cancel)
		return ctx, func() {}
	}
	for kind, test := range map[string]struct {
		begin func() (context.Context, func())
		is    []error
	}{
		"cancelled": {cancelled, []error{context.Canceled, providers.ErrCancelled, reason}},
		"deadline":  {deadline, []error{context.DeadlineExceeded, providers.ErrTimeout, reason}},
	} {
		check := func(t *testing.T, err error) {
			t.Helper()
			for _, is := range test.is {
				if !errors.Is(err, is) {
					t.Errorf("%v is not %v", err, is)
				}
			}
			noCallIsLeft(t)
		}
		arrived := func(s *scripted, then func()) {
			eventually(t, "the request arrives", func() bool { return len(s.requests()) > 0 })
			then()
		}
		t.Run(kind+" while it waits for the answer", func(t *testing.T) {
			s := script(t, `[["hang"]]`)
			ctx, end := test.begin()
			go arrived(s, end)
			_, err := compatible.Completions(ctx, s.config(), request)
			check(t, err)
		})
		t.Run(kind+" before a stream opens", func(t *testing.T) {
			s := script(t, `[["hang"]]`)
			ctx, end := test.begin()
			go arrived(s, end)
			_, err := compatible.CompletionsStream(ctx, s.config(), request)
			check(t, err)
		})
		t.Run(kind+" inside a stream", func(t *testing.T) {
			s := script(t, `[[{"chunked_open":["data: one\n"]},"hang"]]`)
			ctx, end := test.begin()
			var got []string
			var last error
			for line, err := range openStream(t, ctx, s) {
				if last = err; err == nil {
					got = append(got, string(line))
					end()
				}
			}
			if !slices.Equal(got, []string{"data: one"}) {
				t.Errorf("%q", got)
			}
			check(t, last)
		})
		t.Run(kind+" while nobody reads", func(t *testing.T) {
			s := script(t, `[[{"chunked_open":["data: one\n"]},"hang"]]`)
			ctx, end := test.begin()
			seq := openStream(t, ctx, s)
			end()
			<-ctx.Done()
			_, err := collect(seq)
			check(t, err)
		})
		t.Run(kind+" before it begins", func(t *testing.T) {
			ctx, end := test.begin()
			end()
			<-ctx.Done()
			_, unary := compatible.Completions(ctx, at("http://127.0.0.1:1"), request)
			check(t, unary)
			_, streamed := compatible.CompletionsStream(ctx, at("http://127.0.0.1:1"), request)
			check(t, streamed)
		})
	}
}

func TestTheContextEndsACallThatNobodyWaitsFor(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		received := bufio.NewReader(conn)
		if _, err := http.ReadRequest(received); err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
		_, _ = io.Copy(io.Discard, received) // until the other side has enough
	}()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seq, err := compatible.CompletionsStream(ctx, at("http://"+listener.Addr().String()), request)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Error("the connection stays open")
	}
	if _, err := collect(seq); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestLeavingTheLoopEndsTheCall(t *testing.T) {
	s := script(t, `[[{"chunked_open":["data: one\n\n","data: two\n\n"]},"hang"]]`)
	for name, leave := range map[string]func(iter.Seq2[[]byte, error]){
		"break": func(seq iter.Seq2[[]byte, error]) {
			for range seq {
				break
			}
		},
		"panic": func(seq iter.Seq2[[]byte, error]) {
			defer func() { _ = recover() }()
			for range seq {
				panic("in the loop")
			}
		},
		"pull": func(seq iter.Seq2[[]byte, error]) {
			next, stop := iter.Pull2(seq)
			next()
			stop()
		},
		"never begun": func(iter.Seq2[[]byte, error]) {},
	} {
		t.Run(name, func(t *testing.T) {
			seq := openStream(t, context.Background(), s)
			leave(seq)
			seq = nil
			eventually(t, "no call is left", func() bool {
				runtime.GC() // for the one that was never begun
				return liveCalls(t) == 0
			})
		})
	}
}

func TestAStreamCanBeReadOnce(t *testing.T) {
	s := script(t, `[[{"sse":"data: 1\n\ndata: [DONE]\n\n"}]]`)
	seq := openStream(t, patient(t), s)
	if _, err := collect(seq); err != nil {
		t.Fatal(err)
	}
	if lines, err := collect(seq); !errors.Is(err, providers.ErrHandle) || lines != nil {
		t.Fatalf("%q, %v", lines, err)
	}
}
