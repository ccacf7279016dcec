//go:build linux

package rt

import "unsafe"

// panicRecord is the runtime's record of a panic in progress (runtime._panic), as far as it is read here.
type panicRecord struct {
	arg                           any
	link                          *panicRecord // the panic whose deferred functions were running
	_                             [8]uintptr
	recovered, repanicked, goexit bool // the second one is set only when the process ends
}

// panicAt is the offset of the innermost panic in a goroutine's record.
const panicAt = 4 * unsafe.Sizeof(uintptr(0))

// panicsKnown reports whether this runtime's records have the layout of panicRecord.
var panicsKnown = probePanics()

// probePanics panics twice, and reports whether the records are as expected. It follows no pointer that does not point
// into the goroutine's stack, where the records are.
func probePanics() (known bool) {
	first, second := new(int), new(int)
	onStack := func(p *panicRecord) bool {
		bounds, at := (*[2]uintptr)(record()), uintptr(unsafe.Pointer(p))
		return at >= bounds[0] && at+unsafe.Sizeof(*p) <= bounds[1]
	}
	is := func(p *panicRecord, v any, recovered bool) bool {
		return onStack(p) && words(&p.arg) == words(&v) &&
			p.recovered == recovered && !p.repanicked && !p.goexit
	}
	defer func() { recover() }()
	defer func() {
		p := panicking()
		known = is(p, second, false) && is(p.link, first, true) && p.link.link == nil
	}()
	defer func() {
		recover()
		panic(second)
	}()
	panic(first)
}

// panicking returns the innermost panic of the calling goroutine, which may be recovered.
func panicking() *panicRecord { return *(**panicRecord)(unsafe.Add(record(), panicAt)) }

// panicsText returns the text of a panic as go run prints it: the panics whose deferred functions it interrupted come
// first. v is the value of the innermost one, which the calling goroutine has just recovered.
func panicsText(v any) string {
	head, suffix, rest := panicText(v), "", ""
	if !panicsKnown || panicking() == nil {
		return head
	}
	const most = 20
	shown := 1
	for p, later := panicking().link, panicking(); p != nil && shown < most; p, later = p.link, p {
		switch {
		case p.goexit || isInterruption(p.arg):
			continue
		case words(&p.arg) != words(&later.arg):
			rest = "\n\tpanic: " + head + suffix + rest
			head, suffix = panicText(p.arg), ""
			if p.recovered {
				suffix = " [recovered]"
			}
			shown++
		case p.recovered:
			suffix = " [recovered, repanicked]"
		default: // Go prints equal values once, with the state of the first
			suffix = ""
		}
	}
	return cut(head + suffix + rest)
}

// words returns the two words of a value, which are equal for the same value.
func words(v *any) [2]uintptr { return *(*[2]uintptr)(unsafe.Pointer(v)) }
