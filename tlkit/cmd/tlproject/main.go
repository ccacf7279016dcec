// Command tlproject writes a Go module around the best model of a run: a program that serves it, classifies files and
// folders, and needs neither Python nor a notebook.
//
//	go run ./tlkit/cmd/tlproject notebooks/runs/ants antbee
package main

import (
	"os"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/tools"
)

func main() { os.Exit(tools.Project(os.Args[1:], os.Stdout, os.Stderr)) }
