//go:build unix

package providers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/modelwire/modelwire/bindings/go/providers"
)

// The variables by which this test program, started once more, is told to be the process that
// uploads: to whom, and whether it asks for SIGPIPE.
const (
	uploadTo      = "MODELWIRE_TEST_UPLOAD_TO"
	uploadNotices = "MODELWIRE_TEST_UPLOAD_NOTICES"
	uploads       = 4
)

// Writing to a connection that the peer has closed raises SIGPIPE, by default the end of a
// process. Each upload to a peer that leaves is made by a process of its own, once as the Go
// runtime sets that signal up and once with signal.Notify, which would tell of one.
func TestAPeerThatLeavesDuringTheUpload(t *testing.T) {
	if url := os.Getenv(uploadTo); url != "" {
		uploadToAPeerThatLeaves(t, url, os.Getenv(uploadNotices) != "")
		return
	}
	for peer, replies := range map[string]string{
		"closes": `[["before_body",{"pause_ms":20},"close"]]`,
		"resets": `[["before_body",{"pause_ms":20},"reset"]]`,
	} {
		for signals, notices := range map[string]string{"as Go sets it up": "", "notified": "yes"} {
			t.Run(peer+", SIGPIPE "+signals, func(t *testing.T) {
				s := script(t, replies)
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				uploader := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestAPeerThatLeavesDuringTheUpload$")
				uploader.Env = append(os.Environ(), uploadTo+"="+s.url(), uploadNotices+"="+notices)
				output, err := uploader.CombinedOutput()
				if err != nil {
					t.Fatalf("the process that uploads: %v\n%s", err, output)
				}
				if ended := fmt.Sprintf("%d uploads ended", uploads); !strings.Contains(string(output), ended) {
					t.Fatalf("it does not say %q:\n%s", ended, output)
				}
				if requests := len(s.requests()); requests < uploads {
					t.Errorf("%d requests arrived", requests)
				}
			})
		}
	}
}

func uploadToAPeerThatLeaves(t *testing.T, url string, notices bool) {
	received := make(chan os.Signal, uploads)
	if notices {
		signal.Notify(received, syscall.SIGPIPE, syscall.SIGWINCH)
	}
	body := []byte(`{"model":"m","x":"` + strings.Repeat("x", 20<<20) + `"}`)
	for range uploads {
		if _, err := compatible.Completions(patient(t), at(url), body); !errors.Is(err, providers.ErrTruncated) {
			t.Fatalf("%v is not %v", err, providers.ErrTruncated)
		}
	}
	if notices {
		// This one comes after all that were raised before it.
		if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
			t.Fatal(err)
		}
		if first := <-received; first != syscall.SIGWINCH {
			t.Fatalf("%v was raised", first)
		}
	}
	fmt.Printf("%d uploads ended\n", uploads)
}
