package providers

import (
	"context"
	"encoding/json"
	"strings"
)

// Info is everything known about one call, whether it succeeded or not. Zero is what does not
// apply. It holds no secret.
type Info struct {
	Status       string      `json:"status"` // "ok", or the kind of failure
	Message      string      `json:"message"`
	Provider     string      `json:"provider"`
	Operation    string      `json:"operation"`
	Phase        string      `json:"phase"` // how far it came: prepare, credentials, send, response, stream, done
	Model        string      `json:"model"`
	URL          string      `json:"url"`
	HTTPStatus   int         `json:"http_status"`
	Headers      [][2]string `json:"headers"` // of the response, as received
	RequestID    string      `json:"request_id"`
	ContentType  string      `json:"content_type"`
	Retryable    bool        `json:"retryable"`
	RetryAfterMS *int64      `json:"retry_after_ms"` // nil when the provider did not say
	Timeout      string      `json:"timeout"`        // the deadline that passed: connect, response_header, idle, total
	End          string      `json:"end"`            // how a stream ended: done, terminal, eof, stopped, cancelled, error
	ErrorCode    string      `json:"error_code"`
	Lines        uint64      `json:"lines"`
	BytesIn      uint64      `json:"bytes_in"`
	BytesOut     uint64      `json:"bytes_out"`
	Attempts     int         `json:"attempts"`
	Unused       []string    `json:"unused"` // fields of the config that were set and not applied
	Timings      Timings     `json:"timings"`

	// Raw is the JSON that this was read from.
	Raw json.RawMessage `json:"-"`
}

// Timings of a call in milliseconds since its start; nil for what did not happen.
type Timings struct {
	CredentialsMS    *float64 `json:"credentials_ms"`
	ResponseHeaderMS *float64 `json:"response_header_ms"`
	FirstLineMS      *float64 `json:"first_line_ms"`
	TotalMS          *float64 `json:"total_ms"`
}

// Header gives the first response header of this name, in any case, trimmed.
func (i *Info) Header(name string) string {
	for _, header := range i.Headers {
		if strings.EqualFold(header[0], name) {
			return strings.TrimSpace(header[1])
		}
	}
	return ""
}

type infoKey struct{}

// WithInfo gives a context whose call fills in info when it has ended: on return from
// Completions and TestConnection, at the end of the iteration of a stream. Errors carry their
// Info in any case. When the loop over a stream is left, only Status and End are set. Use one
// info for one call.
func WithInfo(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, infoKey{}, info)
}

// wantedInfo is where a call's info is to go; nil when nobody asked.
func wantedInfo(ctx context.Context) *Info {
	info, _ := ctx.Value(infoKey{}).(*Info)
	return info
}

// fill puts what is known about an ended call into an info that somebody asked for.
func (i *Info) fill(o *outcome) {
	if i != nil {
		*i = *parseInfo(o.info)
	}
}

// fillStopped does so for a stream whose loop was left: its outcome is nobody's.
func (i *Info) fillStopped() {
	if i != nil {
		*i = Info{Status: "ok", End: "stopped"}
	}
}

func parseInfo(raw []byte) *Info {
	info := &Info{Raw: raw}
	_ = json.Unmarshal(raw, info) // JSON by contract; what is unreadable stays zero
	return info
}
