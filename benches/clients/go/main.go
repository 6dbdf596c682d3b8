// The same work with Go's net/http as gateways do it: one Transport with 20 idle
// connections per host, bufio.Scanner over a 512 KiB buffer with a 2 MiB limit, each line
// copied. See ../common.h for the arguments and the output.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	pacedMS    = 50
	pacedLines = 100
)

var client = &http.Client{
	Transport: &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   20,
		IdleConnTimeout:       60 * time.Second,
		ResponseHeaderTimeout: 120 * time.Second,
		DisableCompression:    true,
	},
}

func main() {
	mode, base := os.Args[1], os.Args[2]
	count, err := strconv.Atoi(os.Args[3])
	must(err)
	size := 200
	if len(os.Args) > 4 {
		size, err = strconv.Atoi(os.Args[4])
		must(err)
	}
	body := append([]byte(`{"model":"m","text":"`), bytes.Repeat([]byte("z"), max(size, 64)-23)...)
	body = append(body, `"}`...)

	switch mode {
	case "unary":
		url := base + "/unary/chat/completions"
		unary(url, body)
		measure(func() int {
			for range count {
				unary(url, body)
			}
			return count
		})
	case "paced":
		url := fmt.Sprintf("%s/paced/%d/%d/chat/completions", base, pacedMS, pacedLines)
		measure(func() int {
			var lines atomic.Int64
			var streams sync.WaitGroup
			for range count {
				streams.Add(1)
				go func() {
					defer streams.Done()
					lines.Add(int64(stream(url, body)))
				}()
			}
			streams.Wait()
			return int(lines.Load())
		})
	default:
		url := fmt.Sprintf("%s/blast/%d/%s/chat/completions", base, count, mode)
		measure(func() int { return stream(url, body) })
	}
}

func send(url string, body []byte) *http.Response {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	must(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer k")
	response, err := client.Do(request)
	must(err)
	return response
}

func unary(url string, body []byte) {
	response := send(url, body)
	_, err := io.ReadAll(response.Body)
	must(err)
	must(response.Body.Close())
}

func stream(url string, body []byte) int {
	response := send(url, body)
	defer response.Body.Close()
	scanner := bufio.NewScanner(response.Body)
	scanner.Buffer(make([]byte, 0, 512*1024), 2*1024*1024)
	lines := 0
	var kept []byte
	for scanner.Scan() {
		kept = bytes.Clone(scanner.Bytes())
		lines++
		if bytes.Equal(kept, []byte("data: [DONE]")) {
			_, _ = io.Copy(io.Discard, response.Body)
			break
		}
	}
	must(scanner.Err())
	return lines
}

func measure(work func() int) {
	cpu, wall := cpuNow(), time.Now()
	ops := work()
	spent := cpuNow() - cpu
	fmt.Printf("{\"ops\":%d,\"cpu_us\":%d,\"wall_us\":%d,\"rss_kb\":%d}\n",
		ops, spent, time.Since(wall).Microseconds(), rssKB())
}

// rssKB is the peak of this process alone; Rusage.Maxrss would count what the process that
// started it had.
func rssKB() int {
	status, err := os.ReadFile("/proc/self/status")
	must(err)
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	kb, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	must(err)
	return kb
}

func cpuNow() int64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return (usage.Utime.Nano() + usage.Stime.Nano()) / 1000
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
