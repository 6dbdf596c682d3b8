package providers

import (
	"encoding/json"
	"math"
	"time"
)

// What the library keeps to when nobody says otherwise.
const (
	DefaultHTTPTimeout           = 120 * time.Second // the whole of a unary call
	DefaultResponseHeaderTimeout = 120 * time.Second
	StreamTimeout                = 5 * time.Minute  // the whole of a stream
	ProbeHTTPTimeout             = 10 * time.Second // the whole of a probe
)

// SetDefaultHTTPTimeout sets the deadline of unary calls that start from now on, in place of
// DefaultHTTPTimeout. Less than a millisecond changes nothing.
func SetDefaultHTTPTimeout(d time.Duration) {
	if d >= time.Millisecond {
		setDefaultHTTPTimeout(uint64(d.Milliseconds()))
	}
}

// Init starts the library with options other than its defaults, before the first call:
// worker_threads, default_http_timeout_ms, stream_timeout_ms, idle_timeout_ms, proxy, ca_pem
// and the others that modelwire.h lists. Without it the first call starts the library.
func Init(options map[string]any) error {
	encoded, err := encodeOptions(options)
	if err != nil {
		return err
	}
	return errorOf(initLibrary(encoded))
}

// Shutdown gives calls in flight a grace to end, ends the rest with ErrShutdown, stops every
// thread of the library and closes its connections. A program need not call it. A later call
// starts the library afresh.
func Shutdown(grace time.Duration) error {
	ms := min(max(grace.Milliseconds(), 0), math.MaxUint32)
	if status := shutdownLibrary(uint32(ms)); status < 0 {
		return &Error{Status: status, Message: "the library is being shut down elsewhere"}
	}
	return nil
}

// Version is the linked library's.
func Version() string { return libraryVersion() }

// Describe gives the library's version, providers, options, defaults and limits as JSON.
func Describe() json.RawMessage { return describeLibrary().body }

// Stats gives the library's live calls, results, pollers, threads and connections as JSON.
func Stats() json.RawMessage { return libraryStats().body }
