// Package bench is what both Go clients of the benchmark do, one through net/http and one
// through modelwire's Go binding. See ../../../common.h for the arguments and the output.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Client is one way to make a request.
type Client interface {
	// Unary makes one request, as to base/chat/completions, and reads the answer.
	Unary(ctx context.Context, base string, body []byte) error
	// Stream gives each line of an answer to take, until its end or that of ctx.
	Stream(ctx context.Context, base string, body []byte, take func()) error
}

// job is one run.
type job struct {
	client    Client
	base      string
	body      []byte
	count     int
	everyMS   int
	linesEach int
	measure   *measure
}

// Main does what the arguments say through client and prints what it took.
func Main(client Client) {
	mode, base := os.Args[1], os.Args[2]
	number := func(at, otherwise int) int {
		if len(os.Args) <= at {
			return otherwise
		}
		number, err := strconv.Atoi(os.Args[at])
		must(err)
		return number
	}
	j := job{client: client, base: base, count: number(3, 0), everyMS: 50, linesEach: number(5, 100)}
	size := number(4, 200)
	if mode == "paced" {
		j.everyMS, size = number(4, 50), 200
	}
	j.body = make([]byte, max(size, 64)) // once, so that no garbage is measured
	for at := range j.body {
		j.body[at] = 'z'
	}
	copy(j.body, `{"model":"m","text":"`)
	copy(j.body[len(j.body)-2:], `"}`)
	j.measure = newMeasure()
	if mode != "once" {
		j.unary(1)
		j.measure.begin()
	}
	j.measure.end(j.work(mode))
}

func (j *job) work(mode string) int {
	switch mode {
	case "once", "unary":
		return j.unary(j.count)
	case "paced":
		return j.paced()
	case "first":
		return j.first()
	case "cancel":
		return j.cancel()
	case "idle":
		return j.idle()
	default:
		lines := 0
		url := fmt.Sprintf("%s/blast/%d/%s", j.base, j.count, mode)
		must(j.client.Stream(context.Background(), url, j.body, func() { lines++ }))
		return lines
	}
}

func (j *job) unary(count int) int {
	for range count {
		must(j.client.Unary(context.Background(), j.base+"/unary", j.body))
	}
	return count
}

// paced reads all streams at once, each in a goroutine of its own.
func (j *job) paced() int {
	var lines, open atomic.Int64
	var streams sync.WaitGroup
	url := fmt.Sprintf("%s/paced/%d/%d", j.base, j.everyMS, j.linesEach)
	for range j.count {
		streams.Add(1)
		go func() {
			defer streams.Done()
			opened := false
			must(j.client.Stream(context.Background(), url, j.body, func() {
				if !opened {
					opened = true
					if open.Add(1) == int64(j.count) {
						j.measure.steadyFrom(lines.Load())
					}
				}
				lines.Add(1)
			}))
		}()
	}
	streams.Wait()
	j.measure.steadyUntil(lines.Load())
	return int(lines.Load())
}

// first measures how long it takes until a line is there.
func (j *job) first() int {
	for range j.count {
		begun := time.Now()
		first := time.Duration(0)
		must(j.client.Stream(context.Background(), j.base+"/blast/1/event", j.body, func() {
			if first == 0 {
				first = time.Since(begun)
			}
		}))
		j.measure.latency(first)
	}
	return j.count
}

// cancel measures how long it takes until a stream whose context was cancelled is over.
func (j *job) cancel() int {
	for range j.count {
		ctx, cancel := context.WithCancel(context.Background())
		open, over := make(chan struct{}, 2), make(chan error)
		go func() {
			over <- j.client.Stream(ctx, j.base+"/idle", j.body, func() {
				select {
				case open <- struct{}{}:
				default:
				}
			})
		}()
		<-open
		begun := time.Now()
		cancel()
		err := <-over
		j.measure.latency(time.Since(begun))
		if !errors.Is(err, context.Canceled) {
			must(fmt.Errorf("cancelled, and it said: %v", err))
		}
	}
	return j.count
}

// idle opens all streams and leaves them alone.
func (j *job) idle() int {
	j.measure.idleFrom()
	var open sync.WaitGroup
	open.Add(j.count)
	for range j.count {
		go func() {
			opened := false
			must(j.client.Stream(context.Background(), j.base+"/idle", j.body, func() {
				if !opened {
					opened = true
					open.Done()
				}
			}))
		}()
	}
	open.Wait()
	j.measure.stop()
	time.Sleep(300 * time.Millisecond)
	j.measure.idleUntil()
	return j.count
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
