// Bench compares the CPU time of a call through modelwire with that of the same call through
// net/http and bufio.Scanner.
//
//	MODELWIRE_UPSTREAM=target/release/examples/upstream bench [-calls N] [-streams N] [-lines N] [-pace D]
//
// Each measurement runs in a process of its own, whose CPU time (user and system, of all
// threads) is divided by the operations done; the server is another process. What it prints
// are microseconds for each operation, and the ratio.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// job is what one process measures.
type job struct {
	client  string // "modelwire" or "net/http"
	shape   string // "unary", "paced" or "fast"
	url     string
	calls   int // unary calls; of these warm-up comes on top
	streams int // at once
	lines   int // of each stream
}

func main() {
	var j job
	flag.StringVar(&j.client, "client", "", "measure only this client, in this process")
	flag.StringVar(&j.shape, "shape", "unary", "unary, paced or fast")
	flag.StringVar(&j.url, "url", "", "base URL of the upstream's script")
	flag.IntVar(&j.calls, "calls", 20000, "unary calls")
	flag.IntVar(&j.streams, "streams", 1000, "paced streams at once")
	flag.IntVar(&j.lines, "lines", 200, "lines of a paced stream, each followed by an empty one")
	pace := flag.Duration("pace", 50*time.Millisecond, "between the events of a paced stream")
	rounds := flag.Int("rounds", 3, "measurements of each kind; the smallest counts")
	flag.Parse()
	var err error
	if j.client != "" {
		err = measure(j)
	} else {
		err = compare(j, *pace, *rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func compare(j job, pace time.Duration, rounds int) error {
	server, err := startUpstream(os.Getenv("MODELWIRE_UPSTREAM"))
	if err != nil {
		return err
	}
	defer server.stop()
	for _, shape := range []string{"unary", "fast", "paced"} {
		j.shape, j.url = shape, server.url+"/s/"+shape
		if err := server.put(shape, scriptOf(shape, j.lines, pace)); err != nil {
			return err
		}
		best := map[string]float64{}
		for range rounds {
			for _, client := range []string{"net/http", "modelwire"} {
				cost, err := inProcess(client, j)
				if err != nil {
					return err
				}
				if before, ok := best[client]; !ok || cost < before {
					best[client] = cost
				}
			}
		}
		fmt.Printf("%-6s  net/http %8.3f us  modelwire %8.3f us  ratio %.2f\n", shape,
			best["net/http"], best["modelwire"], best["modelwire"]/best["net/http"])
	}
	return nil
}

// inProcess measures in a process of its own and gives microseconds for each operation.
func inProcess(client string, j job) (float64, error) {
	child := exec.Command(os.Args[0], "-client", client, "-shape", j.shape, "-url", j.url,
		"-calls", strconv.Itoa(j.calls), "-streams", strconv.Itoa(j.streams), "-lines", strconv.Itoa(j.lines))
	child.Stderr = os.Stderr
	output, err := child.Output()
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", client, j.shape, err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(output)), 64)
}
