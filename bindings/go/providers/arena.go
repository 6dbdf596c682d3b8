package providers

import "bytes"

// arenaSize is what a stream's lines are copied into, a piece at a time. Small, because a
// thousand idle streams each hold one; a batch that is larger gets memory of its own.
const arenaSize = 4096

// arena hands out memory that is written once: a line that was given away is never
// overwritten, so the program may keep it. Kept lines keep their arena alive, at most
// arenaSize bytes or the batch they came in.
type arena struct {
	free []byte
}

// room is the free memory, empty where an operation has no lines.
func (a *arena) room() []byte {
	return a.free
}

// refill makes room again once little is left.
func (a *arena) refill() {
	if len(a.free) < arenaSize/4 {
		a.free = make([]byte, arenaSize)
	}
}

// use takes the first n bytes of the room, which hold lines now.
func (a *arena) use(n int) []byte {
	used := a.free[:n:n]
	a.free = a.free[n:]
	return used
}

// join copies batch behind lines. Lines that fit were put into the arena before.
func (a *arena) join(lines, batch []byte) []byte {
	joined := make([]byte, 0, len(lines)+len(batch))
	return append(append(joined, lines...), batch...)
}

// cutLine splits the first line off lines that each end in '\n'. The line's capacity ends
// with it, so appending to it harms no other.
func cutLine(lines []byte) (line, rest []byte) {
	at := bytes.IndexByte(lines, '\n')
	if at < 0 { // not possible: the library hands over whole lines
		return lines, nil
	}
	return lines[:at:at], lines[at+1:]
}
