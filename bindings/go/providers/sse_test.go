package providers_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/modelwire/modelwire/bindings/go/providers"
)

// tracked says whether a body was closed, and how often.
type tracked struct {
	io.Reader
	mu     sync.Mutex
	closed int
}

func (b *tracked) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed++
	return nil
}

func (b *tracked) closedOnce() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed == 1
}

func TestABodyIsSplitIntoLines(t *testing.T) {
	broken := errors.New("broken")
	long := strings.Repeat("z", 100_000)
	for name, test := range map[string]struct {
		body  io.Reader
		lines []string
		err   error
	}{
		"done ends it":       {strings.NewReader("data: 1\n\ndata: [DONE]\n\ndata: 2\n"), []string{"data: 1", "", "data: [DONE]"}, nil},
		"end of file":        {strings.NewReader("a\r\n\xff\n\nlast"), []string{"a", "\xff", "", "last"}, nil},
		"byte by byte":       {iotest.OneByteReader(strings.NewReader("data: 1\n\nx")), []string{"data: 1", "", "x"}, nil},
		"data with the end":  {iotest.DataErrReader(strings.NewReader("a\nb")), []string{"a", "b"}, nil},
		"a long line":        {strings.NewReader(long + "\n" + long), []string{long, long}, nil},
		"nothing":            {strings.NewReader(""), nil, nil},
		"an error":           {io.MultiReader(strings.NewReader("a\nhalf"), iotest.ErrReader(broken)), []string{"a"}, broken},
		"a line without end": {io.MultiReader(strings.NewReader("a\n"), endless{}), []string{"a"}, providers.ErrProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			body := &tracked{Reader: test.body}
			lines, err := collect(providers.StreamSSE(context.Background(), body))
			if !slices.Equal(lines, test.lines) || !errors.Is(err, test.err) || (err != nil) != (test.err != nil) {
				t.Errorf("%.80q, %v", lines, err)
			}
			if !body.closedOnce() {
				t.Errorf("closed %d times", body.closed)
			}
		})
	}
}

func TestAResponseIsSplitAlike(t *testing.T) {
	body := &tracked{Reader: strings.NewReader("data: 1\n\ndata: [DONE]\n\ndata: 2\n")}
	lines, err := collect(providers.StreamResponse(context.Background(), body))
	if err != nil || !slices.Equal(lines, []string{"data: 1", "", "data: [DONE]"}) || !body.closedOnce() {
		t.Errorf("%q, %v", lines, err)
	}
}

// endless is a line that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestLeavingASplitClosesTheBody(t *testing.T) {
	body := &tracked{Reader: strings.NewReader("a\nb\n")}
	for line, err := range providers.StreamSSE(context.Background(), body) {
		if err != nil || string(line) != "a" {
			t.Fatalf("%q, %v", line, err)
		}
		break
	}
	if !body.closedOnce() {
		t.Error("not closed")
	}
}

func TestTheContextEndsASplit(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	lines := 0
	var last error
	for _, err := range providers.StreamSSE(ctx, &tracked{Reader: strings.NewReader("a\nb\nc\n")}) {
		if last = err; err == nil {
			lines++
			cancel()
		}
	}
	if lines != 1 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d lines, %v", lines, last)
	}

	ctx, cancel = context.WithCancel(context.Background())
	silent, writer := io.Pipe()
	defer writer.Close()
	go func() {
		_, _ = writer.Write([]byte("a\n"))
		cancel()
	}()
	if _, err := collect(providers.StreamSSE(ctx, silent)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestABodyIsDrained(t *testing.T) {
	for _, size := range []int{0, 10, 1 << 20} {
		rest := strings.NewReader(strings.Repeat("x", size))
		body := &tracked{Reader: rest}
		providers.DrainBody(body)
		if !body.closedOnce() || rest.Len() != max(size-64*1024, 0) {
			t.Errorf("%d: %d left", size, rest.Len())
		}
	}
}
