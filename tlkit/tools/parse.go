package tools

import (
	"errors"
	"flag"
)

// parse reads a command's flags, and between least and most arguments after them. If it is not ok, the command ends with
// the exit code: 0 after help, 2 on misuse.
func parse(flags *flag.FlagSet, args []string, least, most int) (code int, ok bool) {
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0, false
	} else if err != nil {
		return 2, false
	}
	if n := flags.NArg(); n < least || n > most {
		flags.Usage()
		return 2, false
	}
	return 0, true
}
