//go:build linux

package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

const (
	// red brings its own background: no foreground alone is readable on the background of errors in both JupyterLab's
	// light theme and its dark one.
	red   = "\x1b[38;2;255;255;255;48;2;179;38;30m"
	bold  = "\x1b[1m"
	plain = "\x1b[0m"
)

// compileError shows each error with its line.
func compileError(errs []cellError) *Error {
	e := &Error{Name: "CompileError"}
	const most = 10
	for i, ce := range errs {
		if i == most {
			e.Traceback = append(e.Traceback, fmt.Sprintf("and %d more", len(errs)-most))
			break
		}
		line := ce.src.line(ce.line)
		ce.col -= ce.src.moved[ce.line]
		col := column(line, ce.col)
		text := fmt.Sprintf("cell %d, line %d, column %d: %s", ce.src.count, ce.line, col, withHint(ce.msg, line))
		added := ce.src.added(ce.line)
		switch {
		case added:
			text = fmt.Sprintf("cell %d: %s (in the call that a magic adds to the cell)", ce.src.count, ce.msg)
		case ce.line == 0:
			text = ce.msg
		}
		if i == 0 {
			e.Value = text
		}
		e.Traceback = append(e.Traceback, red+text+plain)
		if ce.line > 0 && !added {
			pad := strings.Map(func(r rune) rune {
				if r == '\t' {
					return r
				}
				return ' '
			}, line[:min(len(line), max(0, ce.col-1))])
			e.Traceback = append(e.Traceback, fmt.Sprintf("%5d | %s", ce.line, line), "      | "+pad+"^")
		}
	}
	return e
}

var compilerLine = regexp.MustCompile(`(?m)^(?:.*/)?cell (\d+):(\d+)(?::(\d+))?: (.*)$`)

// buildError converts a tool's message to a cell's error. The type checker finds nearly all errors before the tools
// run.
func (s *Session) buildError(ctx context.Context, err error, src *source) *Error {
	if ctx.Err() != nil {
		return interrupted()
	}
	var ie *build.ImportError
	if errors.As(err, &ie) {
		return compileError([]cellError{{src: src, msg: ie.Error()}})
	}
	var te *build.ToolError
	if errors.As(err, &te) {
		if strings.Contains(te.Text, "no space left on device") {
			text := fmt.Sprintf("no space left in %s to compile the cell; free some, or start the kernel with TMPDIR set to a folder on another disk", s.cfg.Dir)
			return &Error{"DiskFull", text, []string{red + text + plain}}
		}
		text := strip(te.Text)
		var errs []cellError
		for _, m := range compilerLine.FindAllStringSubmatch(text, -1) {
			count, _ := strconv.Atoi(m[1])
			line, _ := strconv.Atoi(m[2])
			if count == src.count {
				errs = append(errs, cellError{line, 1, src, m[4]})
			}
		}
		if len(errs) > 0 {
			return compileError(errs)
		}
		return &Error{"CompileError", text, strings.Split(text, "\n")}
	}
	return &Error{"CompileError", err.Error(), []string{err.Error()}}
}

// cellFunc matches the package in the name of a cell's function.
var cellFunc = regexp.MustCompile(`^(nb/r\d+|main)\.`)

// cellFailed shows a panic or an error at the cell's line.
func (s *Session) cellFailed(f *rt.Failure, src *source) *Error {
	msg := strip(f.Message)
	f.Frames = s.named(f.Frames)
	switch f.Kind {
	case "interrupted":
		return stoppedError(f, src)
	case "open":
		return &Error{"KernelError", msg, []string{"The cell's plugin could not be opened: " + msg}}
	case "error":
		return &Error{"Error", msg, []string{red + "Error: " + plain + msg}}
	case "exit":
		e := &Error{"Exit", "the cell called os.Exit: " + msg + "; all variables are there", []string{red + "the cell ended itself (" + msg + ")" + plain + "; all variables are there"}}
		e.Traceback = append(e.Traceback, innermost(f.Frames, src)...)
		return e
	case "overflow":
		e := &Error{"StackOverflow", msg + "; all variables are there", []string{red + msg + plain + "; all variables are there"}}
		const calls = 8 // the same ones follow
		e.Traceback = append(e.Traceback, panicFrames(f.Frames[:min(calls, len(f.Frames))], src)...)
		e.Traceback = append(e.Traceback, "  ...")
		return e
	case "eof":
		e := &Error{"EndOfInput", "end of input (Ctrl-D) ended the cell; all variables are there", []string{red + "end of input" + plain + ": it ended the cell, because the code does not take the error of this read; all variables are there"}}
		e.Traceback = append(e.Traceback, innermost(f.Frames, src)...)
		return e
	case "goexit":
		return &Error{"Error", msg, []string{msg}}
	}
	if advice := cmp.Or(s.oldTypeAdvice(msg), s.takenAdvice(f, msg, src)); advice != "" {
		msg = strings.TrimSuffix(msg, "\n") + "; " + advice
	}
	msg = strings.TrimRight(msg, "\n") // of log.Panicln
	return &Error{Name: "Panic", Value: msg, Traceback: append([]string{red + bold + "panic: " + plain + red + msg + plain}, panicFrames(f.Frames, src)...)}
}

// innermost returns the innermost line of a cell in a stack.
func innermost(frames []rt.Frame, src *source) []string {
	for _, fr := range frames {
		if place, quoted := src.placeOf(fr, false); place != "" {
			return append([]string{place}, quoted...)
		}
	}
	return nil
}

// workerLost restarts the worker and lists what is lost. src is the cell that ran, nil if none did.
func (s *Session) workerLost(err error, src *source) *Error {
	var lost *worker.LostError
	if !errors.As(err, &lost) {
		lost = &worker.LostError{State: err.Error()}
	}
	forced := s.runner.killed()
	var cells []int
	for _, h := range s.history.all() {
		cells = append(cells, h.count)
	}
	e := &Error{Name: "WorkerLost", Value: "the worker process ended (" + lost.State + ")"}
	if forced {
		e.Value = "the worker process was ended by the second interrupt"
	}
	if reason := s.whyLost(lost); reason != "" && !forced {
		e.Value += ": " + reason
	}
	e.Value += "; all variables are gone, the kernel is alive"
	e.Traceback = []string{red + e.Value + plain}
	if src != nil && !forced {
		e.Traceback = append(e.Traceback, innermost(lastFrames(lost.Output), src)...)
	}
	if len(cells) > 0 {
		e.Traceback = append(e.Traceback, fmt.Sprintf("Run the cells above again (%s ran until now), or all of them with %%rerun.", cellNumbers(cells)))
	}
	if err := s.fresh(true); err != nil {
		e.Traceback = append(e.Traceback, "A new worker could not be started: "+err.Error()+". Restart the kernel.")
	} else if s.restore(s.ctx) {
		e.Traceback = append(e.Traceback, "Functions, types and constants are there again.")
	}
	return e
}

// cellNumbers lists cells in the order in which they ran: "cells 1, 3 to 6, 2".
func cellNumbers(counts []int) string {
	if len(counts) == 1 {
		return fmt.Sprintf("cell %d", counts[0])
	}
	var parts []string
	for i := 0; i < len(counts); {
		j := i
		for j+1 < len(counts) && counts[j+1] == counts[j]+1 {
			j++
		}
		if j < i+2 { // two numbers are as short as a span
			parts = append(parts, strconv.Itoa(counts[i]))
			i++
			continue
		}
		parts = append(parts, fmt.Sprintf("%d to %d", counts[i], counts[j]))
		i = j + 1
	}
	return "cells " + strings.Join(parts, ", ")
}

// whyLost returns the reason why the worker ended, as far as the worker or the system reports it.
func (s *Session) whyLost(lost *worker.LostError) string {
	if reason := lastWords(lost.Output); reason != "" {
		if follows := endlessly(reason, lost.Output); follows != "" {
			reason += ", most likely because a value holds itself, which package " + follows + " follows without end; a cell whose last line is the value alone shows it"
		}
		return reason
	}
	if strings.HasPrefix(lost.State, "exit status") {
		return "the process ended itself or became another program, most likely by C's exit, syscall.Exec, or syscall.Exit in a library"
	}
	if !strings.Contains(lost.State, "killed") {
		return ""
	}
	if oomKills() > s.runner.oomKills {
		return "the memory was used up, and the system ended the largest process"
	}
	return "a process, perhaps the cell itself, ended it, or the system because memory ran out"
}

// oomKills returns how many processes the system has ended because memory ran out; 0 where the system does not report
// it.
func oomKills() int {
	text, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if count, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(count))
			if err == nil {
				return n
			}
		}
	}
	return 0
}

// endReason matches the reason that a Go program, or Go's part in a C program, prints to stderr when it ends. Panics of
// deferred calls follow the first one.
var endReason = regexp.MustCompile(`(?m)^(fatal error: |panic: |runtime: goroutine stack exceeds|SIG[A-Z]+: |terminate called after ).*(?:\n\tpanic: .*)*`)

// lastWords returns the reason for a program's end from the end of its stderr.
func lastWords(text string) string {
	all := endReason.FindAllString(text, -1)
	if len(all) == 0 {
		return ""
	}
	return strip(strings.TrimSpace(all[len(all)-1]))
}

// dumpCall matches a call in the stack that a Go program prints when it ends, and the path of the function's package.
var dumpCall = regexp.MustCompile(`(?m)^((?:[\w.%-]+/)*[\w%-]+)\.\S+\(.*\)$`)

// endlessly returns the package of which functions called each other until their stack was full; "" if a program ended
// by another reason, or if the stack has a cell's functions among the innermost ones.
func endlessly(reason, text string) string {
	if !strings.Contains(reason, "stack overflow") {
		return ""
	}
	_, stack, _ := strings.Cut(text[strings.LastIndex(text, "fatal error: stack overflow"):], "\ngoroutine ")
	inner, _, _ := strings.Cut(stack, "frames elided")
	times := map[string]int{}
	most := ""
	for _, m := range dumpCall.FindAllStringSubmatch(inner, -1) {
		if cellFunc.MatchString(m[1] + ".") {
			return ""
		}
		if times[m[1]]++; times[m[1]] > times[most] {
			most = m[1]
		}
	}
	return most
}

// dumpPlace matches the place of a call in a cell in the stack that a Go program prints when it ends.
var dumpPlace = regexp.MustCompile(`(?m)^\t(` + cellPosition + `\d+):(\d+)`)

// lastFrames returns the calls in cells of the goroutine at which a program ended, innermost first.
func lastFrames(text string) (frames []rt.Frame) {
	at := endReason.FindAllStringIndex(text, -1)
	if len(at) == 0 {
		return nil // a stack in the output is one that the cell printed
	}
	_, stack, _ := strings.Cut(text[at[len(at)-1][0]:], "\ngoroutine ")
	stack, _, _ = strings.Cut(stack, "\n\n")
	for _, m := range dumpPlace.FindAllStringSubmatch(stack, -1) {
		line, _ := strconv.Atoi(m[2])
		frames = append(frames, rt.Frame{File: m[1], Line: line})
	}
	return frames
}
