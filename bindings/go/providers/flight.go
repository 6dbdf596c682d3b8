package providers

import "context"

// flight is one native call from start to end, used by one goroutine at a time.
type flight struct {
	call     uint64 // 0 once it is gone
	token    uint64
	readable chan struct{}
	wantInfo bool
	arena    arena
	// interrupted says that the context was done before the call.
	interrupted bool
}

// launch starts an operation. The flight must end: by an outcome, or by release.
func launch(operation uint32, provider cName, config, request []byte, wantInfo bool) *flight {
	poller, token, readable := follow.enlist()
	return &flight{
		call:     startCall(operation, provider, config, request, poller, token),
		token:    token,
		readable: readable,
		wantInfo: wantInfo,
	}
}

// next waits until there is something to take and takes it. When the context is done the call
// is cancelled, which it answers with its end; lines that come before that are dropped.
func (f *flight) next(ctx context.Context) (taken, error) {
	done := ctx.Done()
	if f.interrupted {
		done = nil
	}
	for {
		select {
		case <-f.readable:
		case <-done:
			done, f.interrupted = nil, true
			cancelCall(f.call)
			continue
		}
		took := takeCall(f.call, &f.arena, f.wantInfo)
		if took.status < 0 {
			f.release()
			return taken{}, &Error{Status: took.status, Message: statusName(int32(took.status))}
		}
		if took.more {
			signal(f.readable) // the library reports a call again only once it is empty
		}
		if took.outcome != nil {
			f.gone()
			if took.outcome.status == ErrCancelled {
				f.interrupted = true // only a context cancels, be it noticed here or not
			}
			return took, nil
		}
		if !f.interrupted && (took.opened || len(took.lines) > 0) {
			return took, nil
		}
	}
}

// finish waits for the outcome of an operation that has no lines.
func (f *flight) finish(ctx context.Context) (*outcome, error) {
	for {
		took, err := f.next(ctx)
		if err != nil || took.outcome != nil {
			return took.outcome, err
		}
	}
}

// release ends a call that still runs, and waits for nothing.
func (f *flight) release() {
	if f.call != 0 {
		releaseCall(f.call)
		f.gone()
	}
}

func (f *flight) gone() {
	f.call = 0
	follow.dismiss(f.token)
}
