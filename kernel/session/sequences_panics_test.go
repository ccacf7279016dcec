//go:build linux

package session

// More sequences: what a panic shows where deferred calls have to do with it.
func init() {
	sequences = append(sequences, []sequence{
		{"panics of deferred calls after another panic", []step{
			{code: "defer func() { panic(\"cleanup failed\") }()\npanic(\"root cause\")", fail: "panic: root cause\n\tpanic: cleanup failed\n  cell 1, line 1, in the cell's body\n    1 | defer func() { panic(\"cleanup failed\") }()\n  cell 1, line 2, in the cell's body"},
			{code: "defer func() { var m map[string]int; m[\"done\"] = 1 }()\nvar xs []int\nxs[3]++", fail: "panic: runtime error: index out of range [3] with length 0\n\tpanic: assignment to entry in nil map\n  cell 2, line 1"},
			{code: "type conn struct{ n int }\nfunc (c *conn) Close() { c.n++ }\nfunc use() {\n\tvar c *conn\n\tdefer c.Close()\n\tpanic(\"root cause\")\n}\nuse()", fail: "panic: root cause\n\tpanic: runtime error: invalid memory address or nil pointer dereference\n  cell 3, line 2"},
			{code: "defer func() { r := recover(); panic(fmt.Errorf(\"wrapped: %v\", r)) }()\npanic(\"root\")", fail: "panic: root [recovered]\n\tpanic: wrapped: root\n  cell 4, line 1"},
			{code: "defer func() { panic(recover()) }()\n\npanic(\"same\")", fail: "panic: same [recovered, repanicked]\n  cell 5, line 1, in the cell's body\n    1 | defer func() { panic(recover()) }()\n  cell 5, line 3"},
			{code: "defer func() { panic(3) }()\ndefer func() { panic(2) }()\ndefer func() { defer func() { recover() }(); panic(\"mended\") }()\npanic(1)", fail: "panic: 1\n\tpanic: 2\n\tpanic: 3\n  cell 6, line 1"},
			{code: "done := make(chan bool)\ngo func() {\n\tdefer close(done)\n\tdefer func() { panic(\"second\") }()\n\tpanic(\"first\")\n}()\n<-done\nselect {}", fail: "panic: first\n\tpanic: second\n  cell 7, line 4"},
			{code: "defer func() { panic(\"at the end\") }()\nruntime.Goexit()", fail: "panic: at the end\n  cell 8, line 1"},
			{code: "defer func() { panic(\"cleanup\") }()\nerrors.New(\"broken\")", fail: "panic: broken\n\tpanic: cleanup\n  cell 9, line 1"},
			{code: "defer func() { panic(\"x\") }()\npanic(\"x\")", fail: "panic: x\n  cell 10, line 1"}}},
		{"functions that are compiled again keep their names in stacks", []step{
			{code: "func f(n int) int { return 10 / n }\nfunc g(n int) int { return f(n) + 1 }\ntype T struct{ n int }\nfunc (t *T) get() int { return f(t.n) }\nfunc (t T) twice() int { return 2 * f(t.n) }"},
			{code: "func f(n int) int { return 20 / n }"}, {code: "g(0)", fail: "cell 2, line 1, in f\n  cell 1, line 2, in g\n  cell 3, line 1, in the cell's body"},
			{code: "new(T).get()", fail: "cell 1, line 4, in (*T).get\n  cell 4, line 1, in the cell's body"}, {code: "T{}.twice()", fail: "cell 1, line 5, in T.twice\n  cell 5, line 1, in the cell's body"}}},
		{"panics of deferred calls have the place of the statement that defers them", []step{
			{code: "defer func() { panic(\"deferred\") }()\nfmt.Println(\"body\")\n\n// the end", fail: "panic: deferred\n  cell 1, line 1, in the cell's body\n    1 | defer func() { panic(\"deferred\") }()[end]"},
			{code: "var fn func()\ndefer fn()\nfmt.Println(\"then\")\n// the end\n", fail: "nil pointer dereference\n  cell 2, line 2 (deferred), in the cell's body\n    2 | defer fn()[end]"},
			{code: "for i := range 2 {\n\tdefer func() { fmt.Println(10 / i) }()\n}", fail: "integer divide by zero\n  cell 3, line 2, in the cell's body\n    2 | \tdefer func() { fmt.Println(10 / i) }()[end]"},
			{code: "var wg sync.WaitGroup\nif true {\n\tdefer wg.Done()\n}\ndefer func() { defer fmt.Println() }()", fail: "negative WaitGroup counter\n  cell 4, line 3 or 5 (deferred), in the cell's body\n"},
			{code: "defer os.Exit(3)\n1\n", fail: "exit status 3); all variables are there\n  cell 5, line 1 (deferred)\n    1 | defer os.Exit(3)[end]"},
			{code: "%%\ndefer func() { panic(\"in main\") }()\nx := 1\n_ = x", fail: "panic: in main\n  cell 6, line 2"}}},
	}...)
}
