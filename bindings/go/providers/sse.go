package providers

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
)

// drainLimit is how much of a body is read so that its connection can be used again.
const drainLimit = 64 * 1024

// readSize is how much of a body is split at a time.
const readSize = 32 * 1024

// StreamSSE gives the lines of a body of one's own as CompletionsStream gives those of an
// answer: byte for byte, without their line ends, the line of [DONE] last, a failure as the
// last pair. It reads while it is ranged over, stops with ctx, and closes body at the end.
func StreamSSE(ctx context.Context, body io.ReadCloser) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		closing := sync.OnceFunc(func() { _ = body.Close() })
		defer closing()
		// A body that is being read ends the read when it is closed.
		defer context.AfterFunc(ctx, closing)()
		if err := splitLines(ctx, body, func(line []byte) bool { return yield(line, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

// StreamResponse is StreamSSE with a deadline, StreamTimeout.
func StreamResponse(ctx context.Context, body io.ReadCloser) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		ctx, cancel := context.WithTimeout(ctx, StreamTimeout)
		defer cancel()
		StreamSSE(ctx, body)(yield)
	}
}

// DrainBody reads and drops at most 64 KiB of r and closes it, so that an http.Client can use
// the connection again.
func DrainBody(r io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, r, drainLimit)
	_ = r.Close()
}

// splitLines gives the lines of body until its end, [DONE], the end of ctx, or a line that is
// not wanted.
func splitLines(ctx context.Context, body io.Reader, give func([]byte) bool) error {
	splitter, err := newSplitter()
	if err != nil {
		return err
	}
	defer splitter.close()
	piece := make([]byte, readSize)
	for {
		if ctx.Err() != nil {
			return contextError(ctx, nil)
		}
		n, readErr := body.Read(piece)
		lines, done, err := splitter.feed(piece[:n])
		wanted, ctxErr := giveLines(ctx, lines, give)
		switch {
		case !wanted:
			return ctxErr
		case err != nil || done:
			return err
		case readErr == nil:
			continue
		case ctx.Err() != nil:
			return contextError(ctx, nil)
		case !errors.Is(readErr, io.EOF):
			return readErr
		}
		last, err := splitter.end()
		if err == nil {
			_, err = giveLines(ctx, last, give)
		}
		return err
	}
}

func giveLines(ctx context.Context, lines []byte, give func([]byte) bool) (wanted bool, err error) {
	for len(lines) > 0 {
		if ctx.Err() != nil {
			return false, contextError(ctx, nil)
		}
		var line []byte
		line, lines = cutLine(lines)
		if !give(line) {
			return false, nil
		}
	}
	return true, nil
}
