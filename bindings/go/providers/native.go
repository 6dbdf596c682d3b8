package providers

// The boundary: every call into the library is made here, and nothing else in the package
// knows C. Bytes go in as borrowed pointers that the library does not keep, and come out as
// copies that Go owns.

// #include "shim.h"
import "C"

import (
	"runtime"
	"strings"
	"unsafe"
)

// The operations that can be started.
const (
	opCompletions       = uint32(C.MODELWIRE_OP_COMPLETIONS)
	opCompletionsStream = uint32(C.MODELWIRE_OP_COMPLETIONS_STREAM)
	opTestConnection    = uint32(C.MODELWIRE_OP_TEST_CONNECTION)
	opHTTPProbe         = uint32(C.MODELWIRE_OP_HTTP_PROBE)
)

// cName is a NUL-terminated name. It lives in Go's memory, so there is nothing to free.
type cName []byte

// newCName ends a name with a NUL. One that holds a NUL itself becomes the empty name, which
// is no provider's.
func newCName(name string) cName {
	if strings.IndexByte(name, 0) >= 0 {
		name = ""
	}
	return append([]byte(name), 0)
}

func (n cName) pointer() *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(n)))
}

func bytesPointer(b []byte) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b)))
}

// goBytes copies n bytes that the library owns.
func goBytes(data *C.uint8_t, n C.size_t) []byte {
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(data)), int(n))...)
}

// ---- calls in flight ----

// crossings bounds how many goroutines are inside the library at once. Nothing blocks there,
// but on a busy machine the system may stop a thread that is inside, and Go starts another in
// its place; a thousand goroutines that begin together would end up with dozens.
var crossings = make(chan struct{}, max(4, runtime.GOMAXPROCS(0)))

// startCall starts an operation that reports to the poller under token.
func startCall(operation uint32, provider cName, config, request []byte, poller, token uint64) uint64 {
	crossings <- struct{}{}
	defer func() { <-crossings }()
	return uint64(C.modelwire_start(C.uint32_t(operation), provider.pointer(),
		bytesPointer(config), C.size_t(len(config)),
		bytesPointer(request), C.size_t(len(request)),
		C.modelwire_poller(poller), C.uint64_t(token)))
}

// taken is what waited in a call.
type taken struct {
	opened bool
	// lines were taken, each ended by one '\n'; they are the caller's.
	lines []byte
	// outcome is set at the end, when the call is gone.
	outcome *outcome
	// more says that taking again gives more at once.
	more bool
	// status is negative when nothing could be taken.
	status Status
}

// takeCall takes what waits in a call without blocking. Lines are written into the free room
// of arena, which never overwrites what it holds; a batch that is too large gets memory of
// its own.
func takeCall(call uint64, arena *arena, wantInfo bool) taken {
	room := arena.room()
	crossings <- struct{}{}
	got := C.mw_take(C.modelwire_call(call), bytesPointer(room), C.size_t(len(room)))
	<-crossings
	took := taken{opened: got.opened != 0, lines: arena.use(int(got.written))}
	switch got.event {
	case C.MODELWIRE_EVENT_AGAIN:
	case C.MODELWIRE_EVENT_LINES:
		took.more = true
		batch := unsafe.Slice((*byte)(unsafe.Pointer(got.more)), int(got.more_len))
		took.lines = arena.join(took.lines, batch)
	case C.MODELWIRE_EVENT_ENDED:
		took.outcome = newOutcome(got.result, Status(got.status), wantInfo)
		if took.outcome.status == statusOK {
			took.outcome.body = goBytes(got.body, got.body_len)
		}
		C.modelwire_result_free(got.result)
	default:
		took.status = Status(got.event)
	}
	return took
}

// cancelCall asks for the end of a call; a handle that is gone is no error.
func cancelCall(call uint64) {
	C.modelwire_cancel(C.modelwire_call(call))
}

// releaseCall cancels and frees a call; a handle that is gone is no error.
func releaseCall(call uint64) {
	C.modelwire_release(C.modelwire_call(call))
}

func newPoller() uint64 {
	return uint64(C.modelwire_poller_new())
}

// waitPoller blocks a thread until calls are readable, and fills in their tokens.
func waitPoller(poller uint64, tokens []uint64) int {
	return int(C.modelwire_poller_wait(C.modelwire_poller(poller), -1,
		(*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(tokens))), C.size_t(len(tokens))))
}

// ---- results ----

// outcome is how an operation ended.
type outcome struct {
	status     Status
	httpStatus int
	body       []byte
	message    string
	info       []byte // JSON; nil for a success when nobody asked
}

// newOutcome reads a result, which stays the caller's to free. The body of a success is left
// to the caller, who may have it already.
func newOutcome(result *C.modelwire_result, status Status, wantInfo bool) *outcome {
	if status == statusOK && !wantInfo {
		return &outcome{}
	}
	said := C.mw_read(result)
	read := &outcome{
		status:     status,
		httpStatus: int(said.http_status),
		message:    C.GoString(said.message),
		info:       goBytes(said.info, said.info_len),
	}
	if status != statusOK {
		read.body = goBytes(said.body, said.body_len)
	}
	return read
}

// takeResult reads and frees the result of a function that answers at once.
func takeResult(result *C.modelwire_result) *outcome {
	defer C.modelwire_result_free(result)
	said := C.mw_read(result)
	return &outcome{
		status:     Status(said.status),
		httpStatus: int(said.http_status),
		body:       goBytes(said.body, said.body_len),
		message:    C.GoString(said.message),
		info:       goBytes(said.info, said.info_len),
	}
}

// ---- functions that answer at once ----

func supportedProvidersJSON() string {
	return C.GoString(C.modelwire_supported_providers())
}

func isValidProvider(provider cName) bool {
	return C.modelwire_is_valid_provider(provider.pointer()) == 1
}

func validateOptions(provider cName, options []byte) *outcome {
	return takeResult(C.modelwire_validate_provider_options(provider.pointer(),
		bytesPointer(options), C.size_t(len(options))))
}

// classifyProbe reads an HTTP status in general where provider is nil.
func classifyProbe(provider cName, httpStatus int32) *outcome {
	return takeResult(C.modelwire_classify_probe_status(provider.pointer(), C.int32_t(httpStatus)))
}

func setDefaultHTTPTimeout(ms uint64) {
	C.modelwire_set_default_http_timeout(C.uint64_t(ms))
}

func initLibrary(options []byte) *outcome {
	return takeResult(C.modelwire_init(bytesPointer(options), C.size_t(len(options))))
}

func shutdownLibrary(graceMS uint32) Status {
	return Status(C.modelwire_shutdown(C.uint32_t(graceMS)))
}

func describeLibrary() *outcome { return takeResult(C.modelwire_describe()) }

func libraryStats() *outcome { return takeResult(C.modelwire_stats()) }

func libraryVersion() string { return C.GoString(C.modelwire_version()) }

func statusName(status int32) string {
	return C.GoString(C.modelwire_status_name(C.int32_t(status)))
}

// ---- splitting ----

// splitter cuts bytes into lines. It is freed by close.
type splitter struct {
	native *C.mw_splitter
}

func newSplitter() (splitter, error) {
	native := C.mw_splitter_new()
	if native == nil {
		return splitter{}, &Error{Status: ErrPanic, Message: "no line splitter can be had"}
	}
	return splitter{native}, nil
}

// feed gives the lines that piece completes, each ended by one '\n', and says whether the
// [DONE] line was among them. Lines before an error are given with it.
func (s splitter) feed(piece []byte) (lines []byte, done bool, err error) {
	said := C.mw_splitter_feed(s.native, bytesPointer(piece), C.size_t(len(piece)))
	return s.lines(), said == 1, splitError(int32(said))
}

// end gives a last line that had no end.
func (s splitter) end() ([]byte, error) {
	said := C.mw_splitter_end(s.native)
	return s.lines(), splitError(int32(said))
}

func (s splitter) lines() []byte {
	if s.native.len == 0 {
		return nil
	}
	return goBytes(s.native.data, s.native.len)
}

func (s splitter) close() {
	C.mw_splitter_free(s.native)
}

func splitError(said int32) error {
	switch {
	case said >= 0:
		return nil
	case Status(said) == ErrProtocol:
		return &Error{Status: ErrProtocol, Message: "a line is longer than 16 MiB"}
	default:
		return &Error{Status: Status(said), Message: statusName(said)}
	}
}
