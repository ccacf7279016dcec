//go:build linux

package session

// Names that follow a variable of another type, and advice that undoes nothing.
func init() {
	sequences = append(sequences, []sequence{
		{"a stale function in the cell that sets its variable right", []step{
			{code: "rate := 3\nfunc addf(x int) int { return x * rate }"}, {code: "rate := 0.5", want: "addf is stale"}, {code: "rate := 7\naddf(10)", want: "=> 70"},
			{code: "var rate = 0.5", want: "addf is stale"}, {code: "var rate int = 8\naddf(10)", want: "=> 80"}, {code: "rate := \"8\""}, {code: "rate, err := strconv.Atoi(\"9\")\nfunc twice() int { return 2 * addf(1) }\ntwice(), err", want: "=> 18"},
			{code: "rate := 1.5"}, {code: "rate := nothing\naddf(10)", fail: "line 1, column 9: undefined: nothing"}, {code: "rate := 2.5\naddf(10)", fail: "mismatched types"}, {code: "rate := 2\naddf(10)", want: "=> 20"}}},
		{"a type gets back its stale or lost method", []step{
			{code: "rate := 3\nfunc (T) m() int { return rate }\ntype T struct{ n int }\nfunc (t *T) n2() int { return t.n + t.m() }\nt := &T{1}\nvar all = map[string]func() int{\"m\": T{}.m}"},
			{code: "rate := 0.5", want: "T.m is stale"}, {code: "rate := 4"}, {code: "t.n2() + T{}.m()", want: "=> 9"}, {code: "rate := \"x\"", want: "T.m is stale"}, {code: "rate := 5\nt.n2()", want: "=> 6"},
			{code: "type U struct{}\nfunc a() int { return 1 }\nfunc (U) m() int { return a() }"}, {code: "func a() string { return \"\" }", want: "U.m is stale"}, {code: "func a() int { return 2 }\nU{}.m()", want: "=> 2"},
			{code: "syscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}", fail: "there again"}, {code: "u := U{}\nu.m()", want: "=> 2"}, {code: "v := T{7}\nv.n", want: "=> 7"}, {code: "rate := 6\nv.m() + (&T{}).n2()", want: "=> 12"}}},
		{"a closure over a variable that gets another type", []step{
			{code: "rate := 3"}, {code: "add := func(x int) int { return x * rate }\nall := map[string]func() int{\"rate\": func() int { return rate }}\nother := func() int { return 1 }"},
			{code: "rate := 4", not: "holds"}, {code: "add(10), all[\"rate\"]()", want: "=> 40, 4"},
			{code: "rate := 0.5", want: "add (cell 2) still holds what was made with rate of before; run cell 2 again to have the new one\nall (cell 2) still", not: "other"},
			{code: "rate := \"x\"", not: "holds"}}},
		{"a closure in the cell of what it uses", []step{
			{code: "scale := 2.0\nf := func() float64 { return scale }"}, {code: "scale := 3", want: "f (cell 1) still holds what was made with scale of before; set f again without the rest of cell 1, which has scale as before"},
			{code: "func norm(x float64) float64 { return x }\ng := func() float64 { return norm(2) }"}, {code: "func norm(x float64) float64 { return -x }", want: "g (cell 3) still holds what was made with norm of before"},
			{code: "h := func() float64 { return 1 }\nk := func() float64 { return norm(1) }"}, {code: "func norm(x float64) float64 { return 0 }", want: "k (cell 5) still", not: "h (cell"},
			{code: "func one() int { return 1 }\nm := one"}, {code: "two := 2\nn := func() int { return two + one() }"}, {code: "two := \"2\"", want: "n (cell 8) still", not: "m (cell"}}},
		{"a closure over a variable of a type that is declared again", []step{
			{code: "type T struct{ n int }\nt := T{1}"}, {code: "f := func() int { return t.n }"}, {code: "func (t T) get() int { return t.n }", not: "with t"}, {code: "t.n = 5\nf()", want: "=> 5"},
			{code: "t := \"text\"", want: "f (cell 2) still holds what was made with t of before"}}},
		{"advice for a variable whose cell has what was replaced", []step{
			{code: "type T struct{ x int }\nt := T{1}"}, {code: "type T struct{ x, y int }", want: "another layout; set t again without the rest of cell 1, which has T as before"},
			{code: "t", fail: "set t again without the rest of cell 1"}, {code: "t := T{1, 2}\nt.y", want: "=> 2"},
			{code: "func double(x int) int { return 2 * x }\nh := map[string]func(int) int{\"d\": double}"}, {code: "func double(x int) int { return 20 * x }", want: "set h again without the rest of cell 5, which has double as before to have the new one"},
			{code: "const n = 3\nvar g [n]int"}, {code: "const n = 5", want: "set g again without the rest of cell 7, which has n as before"},
			{code: "rate := 3\nfunc addf(x int) int { return x * rate }\nadd := func(x int) int { return x * rate }"}, {code: "rate := 0.5", want: "mend it and declare it again without the rest of cell 9, which has rate as before"},
			{code: "add(1)", want: "=> 3"}, {code: "type S interface{ area() int }\ntype Q struct{ a int }\nfunc (q Q) area() int { return q.a }\nvar s S = Q{3}"}, {code: "func (q Q) area() int { return 2 * q.a }", want: "set s again without the rest of cell 12, which has Q.area as before"}}},
		{"advice for a variable whose cell set another one in passing", []step{
			{code: "type T struct{ a int }\nfunc two() (T, error) { return T{1}, nil }"}, {code: "t, err := T{1}, error(nil)"}, {code: "u, err := 1, error(nil)"}, {code: "type T struct{ a, b int }", want: "another layout; run cell 2 again"},
			{code: "t, err := T{}, error(nil)"}, {code: "type T struct{ a, b, c int }\nv, err := 2, error(nil)", want: "another layout; run cell 5 again"},
			{code: "g, err := func() int { return v }, error(nil)"}, {code: "v, err := \"v\", error(nil)", want: "g (cell 7) still holds what was made with v of before; run cell 7 again"},
			{code: "t, err := T{}, error(nil)\nfunc (t T) n() int { return 1 }"}, {code: "err := \"text\""}, {code: "type T struct{ a int }", want: "set t again without the rest of cell 9, which has err"}}},
		{"advice for variables that are lost", []step{
			{code: "data, err := os.ReadFile(\"/dev/null\")\nfunc f() int { return 1 }"}, {code: "more, err := os.ReadFile(\"/dev/null\")"}, {code: "other, more := 1, 2"}, {code: "func f() int { return 2 }"},
			{code: "syscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}", fail: "there again"}, {code: "len(data)", fail: "set data again without the rest of cell 1, which has f as before"}, {code: "err", fail: "the worker ended; run cell 2 again"}}},
	}...)
}
