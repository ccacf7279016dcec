//go:build linux

package rt

import (
	"flag"
	"os"
	"reflect"
	"unsafe"
)

// A cell may define a flag that an earlier run defined: each run has a new flag.CommandLine. The functions below
// replace flag's in cells, and include the flags of earlier runs.

// known are the flags of all cells.
var known = map[string]*flag.Flag{}

// freshFlags gives a run its own flag.CommandLine, with what earlier runs have parsed.
func freshFlags() {
	flag.CommandLine.VisitAll(func(f *flag.Flag) { known[f.Name] = f })
	earlier := flag.CommandLine
	flag.CommandLine = flag.NewFlagSet(os.Args[0], flag.ExitOnError)
	flag.CommandLine.Usage = func() { flag.Usage() } // a cell may have set it
	for _, name := range []string{"parsed", "args", "actual"} {
		if from, to := hidden(earlier, name), hidden(flag.CommandLine, name); from.IsValid() {
			to.Set(from)
		}
	}
}

// hidden returns an unexported field of a set of flags; the zero Value if there is none of that name.
func hidden(set *flag.FlagSet, name string) reflect.Value {
	field := reflect.ValueOf(set).Elem().FieldByName(name)
	if !field.IsValid() {
		return field
	}
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}

// CommandLine is flag.CommandLine for a cell that asks it for flags.
func CommandLine() *flag.FlagSet {
	addKnown()
	return flag.CommandLine
}

func init() {
	usage := flag.Usage
	flag.Usage = func() {
		addKnown()
		usage()
	}
}

// addKnown adds the flags of earlier runs.
func addKnown() {
	for name, f := range known {
		if flag.CommandLine.Lookup(name) == nil {
			flag.CommandLine.Var(f.Value, name, f.Usage)
		}
	}
}

// ParseFlags is flag.Parse for a cell.
func ParseFlags() {
	addKnown()
	flag.Parse()
}

// SetFlag is flag.Set for a cell.
func SetFlag(name, value string) error {
	addKnown()
	return flag.Set(name, value)
}

// LookupFlag is flag.Lookup for a cell.
func LookupFlag(name string) *flag.Flag {
	addKnown()
	return flag.Lookup(name)
}

// VisitFlags is flag.VisitAll for a cell.
func VisitFlags(f func(*flag.Flag)) {
	addKnown()
	flag.VisitAll(f)
}

// PrintFlags is flag.PrintDefaults for a cell.
func PrintFlags() {
	addKnown()
	flag.PrintDefaults()
}
