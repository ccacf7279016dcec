//go:build linux

package session

// Messages that name what the cell has, and no more.
func init() {
	sequences = append(sequences, []sequence{
		{"last values that are too large", []step{
			{code: "1.5e400", fail: "column 1: constant 1.5e+400 overflows float64; math/big.Float has larger numbers"}, {code: "-1e400", fail: "constant -1e+400 overflows float64"}, {code: "'\\u00e9' + 1<<40", fail: "constant 1099511628009 overflows rune; convert it"},
			{code: "1 << 63, 2", fail: "column 1: constant 9223372036854775808 overflows int; convert it"}, {code: "1, math.MaxUint64", fail: "column 4: constant 18446744073709551615 overflows int"}, {code: "1, 2e400", fail: "constant 2e+400 overflows float64"},
			{code: "1e400i", fail: "overflows complex128"}, {code: "1e300, 'a', 1<<62, 2i", want: "=> 1e+300, 97, 4611686018427387904, (0+2i)"}, {code: "func two() (int, int) { return 1, 2 }\ntwo(), 1", fail: "multiple-value two() (value of type (int, int))"}, {code: "int, 1", fail: "int (type) is not an expression"}}},
		{"a command that begins with a name of the session", []step{
			{code: "done := false\nfunc ready() bool { return true }"}, {code: "!done", fail: "done (cell 1) is also a var of the session: an expression of Go is written in brackets, (!done)"}, {code: "(!done)", want: "=> true"}, {code: "!ready()", fail: "(!ready())"}, {code: "!false", fail: "bash", not: "brackets"}}},
		{"%%capture names its file", []step{
			{code: "!echo precious > out\n%env A=1"}, {code: "%%capture out\nfmt.Println(\"c\")", want: "the output goes to the file "}, {code: "!cat out", want: "c\n"}, {code: "%%capture\nfmt.Println(\"c\")", not: "file"}}},
	}...)
}

// The reasons that a user reads when the worker has ended.
func init() {
	sequences = append(sequences, []sequence{
		{"dumps name the cell after a loss", []step{
			{code: "func f() {}"}, {code: "syscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}", fail: "a process, perhaps the cell itself, ended it"}, {code: "var mu sync.Mutex\nmu.Unlock()", want: "{cell: 3, run: ", fail: "unlock of unlocked mutex"},
			{code: "go os.Exit(3)\nselect {}", fail: "exit status 3"}}},
		{"a cell that closes the kernel's descriptors", []step{{code: "for i := 3; i < 20; i++ { syscall.Close(i) }", fail: "code of a cell closed the descriptors through which the kernel reaches the worker"}, {code: "1", want: "=> 1"}}},
		{"a program that starts itself again", []step{{code: "exe, _ := os.Executable()\nout, err := exec.Command(exe, \"child\").CombinedOutput()\nstring(out), err", want: "can't be started again as a program of its own"},
			{code: "out, err = exec.Command(exe).CombinedOutput()\nstring(out), err", want: "can't be started again"}}},
		{"a lower limit for stacks", []step{{code: "debug.SetMaxStack(1<<20)", want: "=> 1000000000"}, {code: "func rec(n int) int { return rec(n+1) + 1 }\nrec(0)", fail: "fill the stack of 1048576 bytes that debug.SetMaxStack allows"},
			{code: "debug.SetMaxStack(1e9)", want: "=> 1048576"}, {code: "func deep(n int) int { if n == 0 { return 0 }; return deep(n-1) + 1 }\ndeep(1e6)", want: "=> 1000000"}}},
	}...)
}
