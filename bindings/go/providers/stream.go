package providers

import (
	"context"
	"iter"
	"runtime"
)

// stream is an answer that is being read line by line.
type stream struct {
	ctx    context.Context
	flight *flight
	info   *Info

	lines  []byte   // taken, not yet given
	ended  *outcome // once nothing follows lines
	unbind func() bool
	used   bool
}

func (c *client) stream(ctx context.Context, config, reqBody []byte) (iter.Seq2[[]byte, error], error) {
	s := &stream{ctx: ctx, info: wantedInfo(ctx)}
	if ctx.Err() != nil {
		return nil, notStarted(ctx, s.info)
	}
	s.flight = launch(opCompletionsStream, c.provider, config, reqBody, s.info != nil)
	if err := s.open(); err != nil {
		return nil, err
	}
	if s.ended == nil {
		s.bind()
	}
	return s.all, nil
}

// open waits for the provider's 2xx.
func (s *stream) open() error {
	opened, err := s.take()
	if err != nil || opened || s.ended == nil {
		return err
	}
	return s.failure()
}

// take waits for the next lines, or the end.
func (s *stream) take() (opened bool, err error) {
	s.flight.arena.refill()
	took, err := s.flight.next(s.ctx)
	if err != nil {
		return false, err
	}
	s.lines, s.ended = took.lines, took.outcome
	if s.ended != nil {
		s.info.fill(s.ended)
	}
	if s.flight.interrupted {
		s.lines = nil
	}
	return took.opened, nil
}

// failure is the error that the stream ended with, if any.
func (s *stream) failure() error {
	if s.flight.interrupted {
		return contextError(s.ctx, s.ended.info)
	}
	return errorOf(s.ended)
}

// bind ends the call with its context even while nobody reads it, and with the sequence when
// that is dropped unread.
func (s *stream) bind() {
	call := s.flight.call
	if s.ctx.Done() != nil {
		s.unbind = context.AfterFunc(s.ctx, func() { cancelCall(call) })
	}
	runtime.SetFinalizer(s, (*stream).release)
}

// all gives the lines; it is the sequence.
func (s *stream) all(yield func([]byte, error) bool) {
	if s.used {
		yield(nil, &Error{Status: ErrHandle, Message: "the stream was read already"})
		return
	}
	s.used = true
	defer s.close()
	for {
		for len(s.lines) > 0 {
			var line []byte
			line, s.lines = cutLine(s.lines)
			if !yield(line, nil) {
				return
			}
		}
		if s.ended != nil {
			if err := s.failure(); err != nil {
				yield(nil, err)
			}
			return
		}
		if _, err := s.take(); err != nil {
			yield(nil, err)
			return
		}
	}
}

// close ends the sequence, before its time when the loop was left.
func (s *stream) close() {
	runtime.SetFinalizer(s, nil)
	if s.flight.call != 0 {
		s.info.fillStopped()
	}
	s.release()
}

// release touches nothing of the program's, since it is the finalizer too.
func (s *stream) release() {
	if s.unbind != nil {
		s.unbind()
	}
	s.flight.release()
}
