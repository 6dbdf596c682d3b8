package providers

import (
	"context"
	"iter"
)

// The calls with a config that no Config can express: not JSON, or of wrong types.

func RawCompletions(c Client, ctx context.Context, config, reqBody []byte) ([]byte, error) {
	return c.(*client).complete(ctx, config, reqBody)
}

func RawCompletionsStream(c Client, ctx context.Context, config, reqBody []byte) (iter.Seq2[[]byte, error], error) {
	return c.(*client).stream(ctx, config, reqBody)
}

func RawConnectionTest(c Client, ctx context.Context, config []byte) ProbeResult {
	return c.(*client).test(ctx, config)
}
