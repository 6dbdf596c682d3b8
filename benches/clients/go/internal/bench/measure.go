package bench

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// measure is that of ../../../common.h.
type measure struct {
	heldKB      int
	cpu         int64 // the start, then what was spent
	started     time.Time
	wall        time.Duration
	stopped     bool
	steadyLines int64
	steadyCPU   int64
	latencies   []time.Duration
	idleKB      int
}

// newMeasure begins where the program's body is there and nothing else was done.
func newMeasure() *measure {
	m := &measure{heldKB: statusField("VmRSS:")}
	m.begin()
	return m
}

func (m *measure) begin() {
	m.cpu, m.started = cpuNow(), time.Now()
}

// stop ends what counts.
func (m *measure) stop() {
	if !m.stopped {
		m.stopped = true
		m.cpu, m.wall = cpuNow()-m.cpu, time.Since(m.started)
	}
}

// steadyFrom says that all streams are open, and how many lines were taken before.
func (m *measure) steadyFrom(lines int64) {
	m.steadyLines, m.steadyCPU = lines, cpuNow()
}

func (m *measure) steadyUntil(lines int64) {
	m.steadyLines, m.steadyCPU = lines-m.steadyLines, cpuNow()-m.steadyCPU
}

func (m *measure) latency(latency time.Duration) {
	m.latencies = append(m.latencies, latency)
}

func (m *measure) idleFrom() {
	m.idleKB = statusField("VmRSS:")
}

func (m *measure) idleUntil() {
	m.idleKB = statusField("VmRSS:") - m.idleKB
}

func (m *measure) end(ops int) {
	m.stop()
	var median, late float64
	if count := len(m.latencies); count > 0 {
		slices.Sort(m.latencies)
		median = float64(m.latencies[count/2].Nanoseconds()) / 1000
		late = float64(m.latencies[count*99/100].Nanoseconds()) / 1000
	}
	fmt.Printf(`{"ops":%d,"cpu_us":%d,"wall_us":%d,"steady_ops":%d,"steady_cpu_us":%d,`+
		`"latency_us":%.1f,"latency_p99_us":%.1f,"idle_kb":%d,"held_kb":%d,"peak_kb":%d,"threads":%d}`+"\n",
		ops, m.cpu, m.wall.Microseconds(), m.steadyLines, m.steadyCPU,
		median, late, m.idleKB, m.heldKB, statusField("VmHWM:"), statusField("Threads:"))
}

// statusField reads of this process alone; Rusage.Maxrss would count what the process that
// started it had.
func statusField(name string) int {
	status, err := os.ReadFile("/proc/self/status")
	must(err)
	_, rest, _ := bytes.Cut(status, []byte(name))
	number, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	must(err)
	return number
}

func cpuNow() int64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return (usage.Utime.Nano() + usage.Stime.Nano()) / 1000
}
