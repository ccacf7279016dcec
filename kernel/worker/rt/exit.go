//go:build linux

package rt

import (
	"fmt"
	"log"
	"runtime"
)

// Exit is os.Exit for a cell: it ends the cell, with all its goroutines, as a failure whose message is the status.
// Their deferred functions run.
func Exit(status int) { exit(fmt.Sprintf("exit status %d", status)) }

// Fatal is log.Fatal for a cell.
func Fatal(v ...any) { fatal(log.Default(), fmt.Sprint(v...)) }

// Fatalf is log.Fatalf for a cell.
func Fatalf(format string, v ...any) { fatal(log.Default(), fmt.Sprintf(format, v...)) }

// Fatalln is log.Fatalln for a cell.
func Fatalln(v ...any) { fatal(log.Default(), fmt.Sprintln(v...)) }

// LoggerFatal is the method Fatal of a logger.
func LoggerFatal(l *log.Logger, v ...any) { fatal(l, fmt.Sprint(v...)) }

// LoggerFatalf is the method Fatalf of a logger.
func LoggerFatalf(l *log.Logger, format string, v ...any) { fatal(l, fmt.Sprintf(format, v...)) }

// LoggerFatalln is the method Fatalln of a logger.
func LoggerFatalln(l *log.Logger, v ...any) { fatal(l, fmt.Sprintln(v...)) }

// fatal logs as log.Fatal does, at the caller's line, and ends the cell.
func fatal(l *log.Logger, text string) {
	l.Output(3, text)
	exit("exit status 1")
}

// exit ends the calling goroutine, and the others of the running cell. If the caller belongs to an earlier cell, only
// the caller ends.
func exit(message string) {
	_, head := self()
	stopping.Lock()
	if c := running.Load(); c != nil && labelled(head, c.n) {
		c.exit.CompareAndSwap(nil, &Failure{Kind: "exit", Message: message, Frames: stack()})
		c.halt()
	}
	stopping.Unlock()
	runtime.Goexit()
}
