//go:build go1.24

package providers

// No function of the library calls back into Go, and none keeps a pointer into Go's memory.
// Saying so spares a heap allocation for what is passed, and a check on each return. Go 1.23
// does not know these directives.

// #cgo noescape mw_take
// #cgo nocallback mw_take
// #cgo noescape mw_read
// #cgo nocallback mw_read
// #cgo noescape mw_splitter_feed
// #cgo nocallback mw_splitter_feed
// #cgo nocallback mw_splitter_new
// #cgo nocallback mw_splitter_end
// #cgo nocallback mw_splitter_free
// #cgo noescape modelwire_start
// #cgo nocallback modelwire_start
// #cgo nocallback modelwire_cancel
// #cgo nocallback modelwire_release
// #cgo nocallback modelwire_result_free
// #cgo nocallback modelwire_poller_new
// #cgo noescape modelwire_poller_wait
// #cgo nocallback modelwire_poller_wait
// #cgo noescape modelwire_is_valid_provider
// #cgo nocallback modelwire_is_valid_provider
// #cgo noescape modelwire_validate_provider_options
// #cgo nocallback modelwire_validate_provider_options
// #cgo noescape modelwire_classify_probe_status
// #cgo nocallback modelwire_classify_probe_status
// #include "shim.h"
import "C"
