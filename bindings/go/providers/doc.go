// Package providers talks to every large-language-model provider through modelwire.
//
// A [Client] sends a request body as the provider documents it and gives the answer back, byte
// for byte: whole from Completions, line by line from CompletionsStream. The same [Config]
// serves every provider; what is particular to one stands in Config.Options.
//
// Everything may be used from any number of goroutines at once. A goroutine that waits for an
// answer holds no OS thread: one goroutine of the package blocks one thread for all of them.
//
// # Contexts
//
// When the context of a call is cancelled or its deadline passes, the call returns at once and
// its connection is closed. Deadlines that the library keeps by itself hold besides: see the
// constants, [Timeouts] and [Init].
//
// # Errors
//
// An answer outside 200..299 is a [*BackendError], which carries the provider's own body.
// Everything else is an [*Error]. Both are found with errors.As, and their kind with errors.Is
// and the Err constants:
//
//	var refused *providers.BackendError
//	switch {
//	case errors.As(err, &refused):
//		relay(refused.StatusCode, refused.Body)
//	case errors.Is(err, providers.ErrTimeout):
//		retry()
//	}
//
// No error holds a secret.
//
// # Linking
//
// The package needs cgo and libmodelwire. It links the static library that pkg-config finds;
// with the build tag modelwire_shared the shared one; with the build tag modelwire_path
// whatever CGO_CFLAGS and CGO_LDFLAGS say.
package providers
