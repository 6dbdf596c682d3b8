package providers

import (
	"context"
	"encoding/json"
	"iter"
)

// Client asks one provider.
type Client interface {
	// Completions sends reqBody and waits for the whole answer, which it gives back as it
	// came. reqBody is the body that the provider documents, and is sent as it is.
	Completions(ctx context.Context, config *Config, reqBody []byte) ([]byte, error)

	// CompletionsStream sends reqBody and waits until the provider has accepted it: what
	// goes wrong before that, a *BackendError too, is the error. The sequence then gives
	// the lines of the answer as they arrive, byte for byte, without their line ends; the
	// empty lines that separate events are given as well. When the stream breaks off, the
	// last pair is a nil line and the error.
	//
	// A line is the caller's: it may be kept, and stays as it is. Kept lines may keep those
	// that arrived together with them in memory. Leaving the loop ends the call. The
	// sequence can be ranged over once; one that never is gets released by the garbage
	// collector, or at the end of ctx.
	CompletionsStream(ctx context.Context, config *Config, reqBody []byte) (iter.Seq2[[]byte, error], error)
}

// ConnectionTester tests whether a provider can be reached and takes the credentials.
type ConnectionTester interface {
	TestConnection(ctx context.Context, config *Config) ProbeResult
}

// ProviderClient is what NewClient gives: a Client that is a ConnectionTester as well.
type ProviderClient interface {
	Client
	ConnectionTester
}

// NewClient gives the client of a provider. It costs nothing and holds nothing: connections
// belong to the library and are shared. Calls through the client of a name that is no
// provider's fail with ErrProvider.
func NewClient(provider string) ProviderClient {
	return &client{newCName(provider)}
}

type client struct {
	provider cName
}

func (c *client) Completions(ctx context.Context, config *Config, reqBody []byte) ([]byte, error) {
	encoded, err := encodeConfig(config)
	if err != nil {
		return nil, err
	}
	return c.complete(ctx, encoded, reqBody)
}

func (c *client) CompletionsStream(ctx context.Context, config *Config, reqBody []byte) (iter.Seq2[[]byte, error], error) {
	encoded, err := encodeConfig(config)
	if err != nil {
		return nil, err
	}
	return c.stream(ctx, encoded, reqBody)
}

func (c *client) complete(ctx context.Context, config, reqBody []byte) ([]byte, error) {
	return run(ctx, opCompletions, c.provider, config, reqBody)
}

// run starts an operation that has no lines and gives its body.
func run(ctx context.Context, operation uint32, provider cName, config, request []byte) ([]byte, error) {
	info := wantedInfo(ctx)
	if ctx.Err() != nil {
		return nil, notStarted(ctx, info)
	}
	flight := launch(operation, provider, config, request, info != nil)
	ended, err := flight.finish(ctx)
	if err != nil {
		return nil, err
	}
	info.fill(ended)
	switch {
	case ended.status == statusOK:
		return ended.body, nil
	case ended.status == ErrCancelled && flight.interrupted:
		return nil, contextError(ctx, ended.info)
	default:
		return nil, errorOf(ended)
	}
}

// notStarted is the error of a call whose context was done before it began.
func notStarted(ctx context.Context, info *Info) error {
	raw, _ := json.Marshal(map[string]any{
		"status": statusName(int32(ErrCancelled)), "end": "cancelled", "phase": "prepare",
		"message": ctx.Err().Error(), "retryable": false,
	})
	info.fill(&outcome{info: raw})
	return contextError(ctx, raw)
}

func encodeConfig(config *Config) ([]byte, error) {
	if config == nil {
		return nil, nil
	}
	encoded, err := json.Marshal(config)
	if err != nil {
		return nil, &Error{Status: ErrConfig, Message: "options: " + err.Error()}
	}
	return encoded, nil
}
