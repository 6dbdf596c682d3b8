package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Status is a kind of failure. It is an error itself, to be compared with errors.Is:
//
//	if errors.Is(err, providers.ErrTruncated) { ... }
type Status int32

const statusOK Status = 0

// The kinds of failure, with the numbers of the C interface.
const (
	ErrArgument        Status = -1 // an argument that no call can be made of
	ErrHandle          Status = -2 // a stream that was read already
	ErrConfig          Status = -3 // Config or options: a wrong type, a missing field; the message begins with its path
	ErrProvider        Status = -4 // no provider has this name
	ErrRequest         Status = -5 // the request body is unusable
	ErrModelNotAllowed Status = -6 // the model is not in AllowedModels
	ErrCredentials     Status = -7 // credentials are missing, or the token exchange failed

	ErrConnect   Status = -20 // DNS, TCP or a proxy
	ErrTLS       Status = -21 // the handshake failed or the certificate was refused
	ErrTimeout   Status = -22 // a deadline passed; also context.DeadlineExceeded
	ErrCancelled Status = -23 // the context was cancelled; also context.Canceled

	ErrBackend   Status = -40 // the provider answered outside 200..299; a *BackendError
	ErrTruncated Status = -41 // the connection ended before the message did; also io.ErrUnexpectedEOF
	ErrProtocol  Status = -42 // not HTTP, a bad checksum, a line or body over its limit
	ErrStream    Status = -43 // the provider reported an error inside a stream

	ErrBusy     Status = -90 // the library is used in two places that exclude each other
	ErrShutdown Status = -91 // the library was shut down under the call
	ErrForked   Status = -92 // a call made before fork
	ErrPanic    Status = -93 // a bug inside the library
)

// Error is the kind's name.
func (s Status) Error() string {
	return "modelwire: " + statusName(int32(s))
}

// Error is a failure that is not the provider's answer.
type Error struct {
	Status     Status // its kind
	Message    string // for people
	HTTPStatus int    // of the response; 0 when none came
	Info       *Info  // what is known about the call; nil when it did not get that far

	causes []error
}

// Error is the kind's name and the message.
func (e *Error) Error() string {
	return e.Status.Error() + ": " + e.Message
}

// Is says whether target is this kind, or what Go calls it.
func (e *Error) Is(target error) bool {
	if target == error(e.Status) {
		return true
	}
	switch e.Status {
	case ErrTimeout:
		return target == context.DeadlineExceeded
	case ErrCancelled:
		return target == context.Canceled
	case ErrTruncated:
		return target == io.ErrUnexpectedEOF
	}
	return false
}

// Unwrap gives what ended the context, where that ended the call.
func (e *Error) Unwrap() []error { return e.causes }

// Timeout says whether a deadline passed, as net.Error has it.
func (e *Error) Timeout() bool { return e.Status == ErrTimeout }

// BackendError is the provider's own refusal: an answer outside 200..299.
type BackendError struct {
	StatusCode int
	Body       []byte // verbatim; of a stream at most its first 64 KiB
	RetryAfter string // the header Retry-After, as it came
	Info       *Info
}

// Error says the status. The body is the provider's and stays out of it.
func (e *BackendError) Error() string {
	return fmt.Sprintf("modelwire: the provider answered with status %d", e.StatusCode)
}

// Is says whether target is ErrBackend.
func (e *BackendError) Is(target error) bool {
	return target == error(ErrBackend)
}

// errorOf gives the error of an outcome; nil when it is a success.
func errorOf(o *outcome) error {
	switch o.status {
	case statusOK:
		return nil
	case ErrBackend:
		info := parseInfo(o.info)
		return &BackendError{
			StatusCode: o.httpStatus,
			Body:       o.body,
			RetryAfter: info.Header("retry-after"),
			Info:       info,
		}
	default:
		return &Error{
			Status:     o.status,
			Message:    o.message,
			HTTPStatus: o.httpStatus,
			Info:       parseInfo(o.info),
		}
	}
}

// contextError is the error of a context that is done; info is JSON, or nil.
func contextError(ctx context.Context, info []byte) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	status := ErrCancelled
	if errors.Is(err, context.DeadlineExceeded) {
		status = ErrTimeout
	}
	causes := []error{err}
	if cause != err {
		causes = append(causes, cause)
	}
	failure := &Error{Status: status, Message: cause.Error(), causes: causes}
	if info != nil {
		failure.Info = parseInfo(info)
		failure.HTTPStatus = failure.Info.HTTPStatus
	}
	return failure
}
