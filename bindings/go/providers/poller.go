package providers

import (
	"sync"
	"time"
)

// One goroutine follows every call of the process: it blocks one OS thread in the library's
// poller, and wakes the goroutines whose calls became readable. They wait on channels, so a
// waiting call holds no thread. The library knows a call here by a number, never by a Go
// pointer.
type follower struct {
	started sync.Once
	poller  uint64

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan struct{}
}

var follow = follower{waiting: map[uint64]chan struct{}{}}

// tokensAtOnce is how many readable calls one return from the library reports.
const tokensAtOnce = 256

// enlist makes a token, and the channel that is signalled whenever its call becomes readable.
func (f *follower) enlist() (poller, token uint64, readable chan struct{}) {
	f.started.Do(f.start)
	readable = make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	f.waiting[f.last] = readable
	return f.poller, f.last, readable
}

// dismiss forgets a token, whose call is gone. Tokens are never used again.
func (f *follower) dismiss(token uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.waiting, token)
}

func (f *follower) start() {
	f.poller = newPoller()
	go f.run()
}

func (f *follower) run() {
	tokens := make([]uint64, tokensAtOnce)
	for {
		n := waitPoller(f.poller, tokens)
		if n < 0 {
			// Cannot be, since the poller is never freed. Were it so all the same, calls
			// would be looked after now and then instead of hanging.
			time.Sleep(10 * time.Millisecond)
			f.wakeAll()
			continue
		}
		f.wake(tokens[:n])
	}
}

func (f *follower) wake(tokens []uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, token := range tokens {
		signal(f.waiting[token]) // nil, and never ready, for a call that is gone
	}
}

func (f *follower) wakeAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, readable := range f.waiting {
		signal(readable)
	}
}

func signal(readable chan struct{}) {
	select {
	case readable <- struct{}{}:
	default: // signalled already, or nobody's
	}
}
