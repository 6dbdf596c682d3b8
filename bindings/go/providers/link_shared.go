//go:build modelwire_shared && !modelwire_path

package providers

// #cgo pkg-config: modelwire
import "C"
