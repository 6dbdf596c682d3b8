//go:build !modelwire_shared && !modelwire_path

package providers

// The static library, found by pkg-config. On Linux it is asked for by its file name, because
// -lmodelwire alone would prefer a shared library beside it; what is not needed then is not
// linked.

// #cgo pkg-config: --static modelwire
// #cgo linux LDFLAGS: -Wl,--as-needed -l:libmodelwire.a
import "C"
