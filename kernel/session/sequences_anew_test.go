//go:build linux

package session

// More sequences: declarations that follow others that are declared anew.
func init() {
	sequences = append(sequences, []sequence{
		{"constants that count, of which a cell declares one anew", []step{
			{code: "type Level int\nconst (\n\tLow Level = iota\n\tHigh\n)\nfunc (l Level) String() string { return \"old\" }"},
			{code: "type Level int\nconst (\n\tLow Level = iota\n\tMid\n)\nfunc (l Level) String() string { return fmt.Sprint(\"level\", int(l)) }", not: "stale"},
			{code: "fmt.Sprint(Low, Mid, High)", want: "=> level0 level1 level1"},
			{code: "type C int\nconst (\n\tRed C = iota\n\tGreen\n\tBlue, Dark = Green + 1, iota\n)\nconst N = 1\nconst (\n\tX = N\n\tY\n\tZ\n)\nfunc z() int { return Y + Z }"},
			{code: "func (c C) String() string { return fmt.Sprint(\"c\", int(c)) }\nconst Red C = 10\nconst N = 5\nconst X = 7\nfmt.Sprint(Red, Green, Blue, Dark)", want: "=> c10 c1 c2 2"},
			{code: "fmt.Sprint(X, Y, Z, z())", want: "=> 7 5 5 10"}, {code: "func (c C) Twice() C { return 2 * c }\nconst N = 6\nfmt.Sprint(Red, Green.Twice(), X, Y)", want: "=> c10 c2 7 6"},
			{code: "%rm Green"}, {code: "func (c C) Thrice() C { return 3 * c }\nBlue.Thrice()", fail: "Green, which was removed"}}},
		{"constants that count, of which one was declared anew before the worker is lost", []step{
			{code: "const (\n\tLow = iota\n\tMid\n\tHigh\n)\nx := 1"}, {code: "const Mid = 10\nvar k = 5"}, {code: "func f() int { return k }"},
			{code: "syscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}", fail: "there again"}, {code: "fmt.Sprint(Low, Mid, High)", want: "=> 0 10 2"}}},
		{"methods of a type that a cell declares alone, with another layout", []step{
			{code: "type Stack struct{ items []int }\nfunc (s *Stack) Push(x int) { s.items = append(s.items, x) }\nfunc (s *Stack) Len() int { return len(s.items) }"},
			{code: "func use() int { var s Stack; s.Push(1); return s.Len() }"}, {code: "type Stack struct { items []int; max int }", not: "stale"},
			{code: "s := &Stack{max: 3}\ns.Push(1)\ns.Len() + use()", want: "=> 2"},
			{code: "type Stack struct{ items []string }", want: "Stack.Push is stale: Stack.Push (cell 1) does not compile any more"}, {code: "(&Stack{}).Len()", want: "=> 0"},
			{code: "type Stack struct{ n int }\nfunc (s Stack) Cap() int { return s.n }\nStack{4}.Cap()", want: "=> 4"},
			{code: "type Stack struct{ n int }\nfunc (s Stack) Size() int { return s.n }\nStack{4}.Size() + Stack{3}.Cap()", want: "=> 7"}, {code: "type Stack struct{ n, m int }\nfunc (s Stack) Wide() int { return s.m }"}, {code: "Stack{4, 5}.Size()", fail: "no field or method Size"}}},
		{"what was stale is there again when what it uses fits", []step{
			{code: "func a() int { return 1 }\nconst n = 3\ntype T struct{ x int }"}, {code: "func b() int { return a() }\nfunc half() int { return n / 2 }\nfunc (t T) get() int { return t.x }"}, {code: "func c() int { return b() }\nfunc d() int { return T{4}.get() + half() }"},
			{code: "func a() string { return \"x\" }", want: "b is stale"}, {code: "c()", fail: "cannot use a()"}, {code: "func a() int { return 2 }", not: "stale"}, {code: "c()", want: "=> 2"},
			{code: "type T struct{ y int }\nconst n = \"3\"", want: "T.get is stale"}, {code: "d()", fail: "cell 2"}, {code: "type T struct{ x int }"}, {code: "d()", fail: "half"}, {code: "const n = 6\nd()", want: "=> 7"},
			{code: "%rm a"}, {code: "c()", fail: "which was removed"}, {code: "func a() int { return 5 }\nc()", want: "=> 5"},
			{code: "func a() string { return \"x\" }", want: "b is stale"}, {code: "func c() int { return 1 }"}, {code: "func a() int { return 6 }\nb(), c()", want: "=> 6, 1"}}},
		{"a method that is removed", []step{
			{code: "type T struct{ n int }\nfunc (t T) A() int { return t.n }\nfunc (t T) B() int { return 2 * t.n }\nfunc useA(t T) int { return t.A() }\nt := T{3}\nfunc (t T) String() string { return \"T\" }"},
			{code: "%rm T.A T.String"}, {code: "t.A()", fail: "no field or method A"}, {code: "fmt.Sprint(t.B(), t)", want: "=> 6 {3}"}, {code: "useA(t)", fail: "T.A, which was removed"},
			{code: "func (t T) A() int { return 7 }\nuseA(t)", want: "=> 7"}, {code: "%rm T.B"}, {code: "type T struct{ n int }\nt := T{4}\nt.A()", want: "=> 7"}, {code: "t.B()", fail: "no field or method B"}}},
	}...)
}
