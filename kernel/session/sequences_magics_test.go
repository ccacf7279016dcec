//go:build linux

package session

// More sequences: magics, and names that a cell gets wrong.
func init() {
	sequences = append(sequences, []sequence{
		{"members of types that embed or point to themselves", []step{
			{code: "type Node struct { *Node; Value int }\nn := Node{Value: 1}\nn.Valeu", fail: "did you mean Value?"}, {code: "type A struct{ *B; Wide int }\ntype B struct{ *A }\nvar a A\na.Wiide", fail: "did you mean Wide?"},
			{code: "type Node struct { *Node; Value int }\nn := &Node{Value: 1}\nn.Node = n\nn.Value", want: "=> 1"}, {code: "type P *P\nvar p P\np = &p\np != nil", want: "=> true"}, {code: "n", want: "Value:1"}, {code: "p", want: "=> "}, {code: "type L []L\nl := L{nil}\nl[0] = l\nl", want: "=> "},
			{code: "type M map[string]M\nm := M{}\nm[\"a\"] = m\nm", want: "=> "}, {code: "type F func() F\nvar f F\nf == nil", want: "=> true"}, {code: "%who", want: "Node"}, {code: "l[0].x", fail: "l[0].x undefined"}, {code: "var v any\nv = &v\nv", want: "=> "}}},
		{"values of flags that go test refuses", []step{
			{code: "%test -count=abc\nfunc TestA(t *testing.T) {}", fail: "%test: -count takes a number such as 3, not \"abc\""}, {code: "%test -benchtime abc\nfunc BenchmarkB(b *testing.B) { for b.Loop() { } }", fail: "-benchtime takes a duration such as 2s"},
			{code: "%test -run [\nfunc TestA(t *testing.T) {}", fail: "missing closing ]"}, {code: "%test -run A/(\nfunc TestA(t *testing.T) {}", fail: "missing closing )"}, {code: "%test -shuffle foo\nfunc TestA(t *testing.T) {}", fail: "-shuffle takes on, off or a seed"}, {code: "%test -benchtime=0x\nfunc TestA(t *testing.T) {}", fail: "more than 0"},
			{code: "%test -short=maybe\nfunc TestA(t *testing.T) {}", fail: "-short takes true or false"}, {code: "%test -skip=*\nfunc TestA(t *testing.T) {}", fail: "-skip takes a regular expression"}, {code: "%test -count=-1\nfunc TestA(t *testing.T) {}", fail: "-count takes"},
			{code: "%test -run 'A/[x/y]/(b|c)$' -count 0x2 -shuffle 7 -benchtime 2x -v=true\nfunc TestA(t *testing.T) {}", want: "-test.shuffle 7\n=== RUN   TestA\n--- PASS: TestA"}}},
		{"a syntax error below %test", []step{
			{code: "%test\nfunc TestA(t *testing.T) { x := }", fail: "line 2, column 33: expected operand, found '}'"},
			{code: "%test\nfunc TestA(t *testing.T) {\n", fail: "line 3, column 1: expected ';', found 'EOF'"}, {code: "%test -nope\nfunc TestA(", fail: "no flag of tests"},
			{code: "%test\nfunc TestA(t *testing.T) {}", want: "--- PASS: TestA"}}},
		{"%capture keeps one file for a display, and tells what a file lacks", []step{
			{code: "%capture out.txt\nfor i := range 5 { gonbui.UpdateHTML(\"bar\", fmt.Sprint(\"step \", i)) }\ngonbui.DisplayHTML(\"other\")\ngonbui.Sync()", want: "<display bar true>"}, {code: "!ls out-*; cat out-1.html; cat out.txt", want: "out-1.html\nout-2.html\nstep 4[text/html: out-1.html]\n[text/html: out-2.html]\n"},
			{code: "%capture /dev/full\nfmt.Println(1)", want: "1\n", fail: "%capture: the file lacks output of the cell: write /dev/full: no space left on device"}, {code: "%capture /dev/full\n!echo shell", fail: "lacks output"}, {code: "%%capture /dev/full\n1", fail: "lacks output"}, {code: "%capture /dev/full\npanic(1)", fail: "panic: 1"},
			{code: "%capture log.txt\nfmt.Println(1)"}, {code: "%capture log.txt -a\nfmt.Println(2)"}, {code: "!cat log.txt", want: "1\n2\n"}, {code: "%capture a b\n1", fail: "takes one file"}, {code: "%capture -a\n1", fail: "takes one file"}, {code: "%capture 'my out.txt'\n1\n%capture second.txt"}, {code: "!ls", want: "my out.txt"}}},
		{"help below other lines", []step{{code: "x := 1"}, {code: "y := 5\nx?", want: "var x int"}, {code: "x?\nstrings.ToUpper??\ny", want: "ToUpper returns s with"}, {code: "  ?x", want: "var x int"}, {code: "nowhere?\ny", fail: "no name nowhere"}, {code: "s := `\nx?\n`\ns", want: "x?"}, {code: "func f() {\nx?\n}", fail: "illegal character"}, {code: "y\n%who?", want: "names, types, sizes"}}},
		{"messages of %who and %rerun", []step{{code: "%who float64", want: "no names yet"}, {code: "x := 1\ntype T int"}, {code: "%who float64 Foo", want: "none of the 2 names has the type, the kind or the name float64 or Foo; %who alone lists all"}, {code: "%who int", want: "x "},
			{code: "s := \"%reset\"\nfmt.Println(\"ran\") // %rerun"}, {code: "%rerun 5", want: "ran\n", not: "left out"}, {code: "%rerun 6", want: "cell 6 is left out: it has a line with %rerun"}}},
		{"setup of %%timeit", []step{{code: "n, m := 0, 0"}, {code: "%%timeit -n 10 -r 3 n++; k := 5\nm += k", want: "3 runs, 10 loops each"}, {code: "n, m, k", want: "=> 1, 150, 5"}, {code: "%%timeit -n 10 -r 3 n++", want: "3 runs"}, {code: "n", want: "=> 31"}, {code: "%timeit -n 10 -r 3 n++\nm = 1", want: "3 runs"}, {code: "n, m", want: "=> 61, 1"},
			{code: "%%timeit -n 2 -r 2\nn++\nm++", want: "2 runs"}, {code: "n, m", want: "=> 65, 5"}, {code: "%%timeit -n 2 -r 2 q := 3\nn += q\nnope()", fail: "line 3, column 1: undefined: nope"}, {code: "%%time n = 1\nm = 2", fail: "%%time: takes no Go on its line"}, {code: "%%time\nn = 1", want: "Wall time"},
			{code: "%%timeit -n 2 -r 2 n++\n// a note is no Go", want: "2 runs"}, {code: "n", want: "=> 5"}}},
		{"lines run in the order of the cell", []step{
			{code: "fmt.Println(\"a\")\n!echo b\nfmt.Println(\"c\")", want: "a\nb\nc\n"}, {code: "os.WriteFile(\"f.txt\", []byte(\"new\\n\"), 0o644)\n!cat f.txt\nb, _ := os.ReadFile(\"f.txt\")\n!echo x >> f.txt\nstring(b)", want: "new\n=> new\n"},
			{code: "x := 5\n%who\nx++\nx", want: "x ", not: "no names"}, {code: "x", want: "=> 6"}, {code: "y := 7\ny?\ny+1", want: "var y int\n\ndeclared in cell 5\n=> 8"}, {code: "x\n!echo last", want: "=> 6last"}, {code: "x\n!echo mid\n\"end\"", want: "mid\n=> end", not: "=> 6"},
			{code: "%env A=1\nos.Setenv(\"A\", \"2\")\n!echo A is $A\nos.Setenv(\"A\", \"3\")\n%env A", want: "env: A=1\nA is 2\n3\n"}, {code: "os.Mkdir(\"dir\", 0o755)\n%cd -q dir\nd, _ := os.Getwd()\n%cd -q ..\nfilepath.Base(d)", want: "=> dir"},
			{code: "os.Remove(\"nowhere\")\n!echo goes on\n1", want: "goes on\n=> 1"}, {code: "fmt.Println(1)\n%rm d\nd", want: "1\n", fail: "cell 11, line 3, column 1: undefined: d"}}},
		{"the rest of a cell does not run after a failure", []step{
			{code: "a := 1\n!exit 3\nfmt.Println(\"ran\")", not: "ran", fail: "exit status 3"}, {code: "a", want: "=> 1"}, {code: "b := []int{1}[a]\n!echo ran", not: "ran", fail: "cell 3, line 1"}, {code: "fmt.Println(\"first\")\n!echo second\n\nvar q int = \"x\"\n!echo ran", want: "first\nsecond\n", not: "ran", fail: "cell 4, line 4, column 13"},
			{code: "fmt.Println(\"ran\")\n!echo ran\nx := (", not: "ran", fail: "cell 5, line 3"}, {code: "func f() { panic(\"in f\") }\nok := 1\n!echo x\nf()", fail: "cell 6, line 1, in f\n    1 | func f() { panic(\"in f\") }"}, {code: "ok", want: "=> 1"}, {code: "ok = 2\n!echo x\nos.Exit(3)\n!echo ran", not: "ran", fail: "exit status 3"}, {code: "ok", want: "=> 2"}}},
		{"declarations above a line may use those below it", []step{
			{code: "import \"strings\"\nfunc even(n int) bool { return n == 0 || odd(n-1) }\n!echo between\nfunc odd(n int) bool { return n != 0 && even(n-1) }\neven(4), strings.ToUpper(\"a\")", want: "between\n=> true, A"},
			{code: "type T struct{ n int }\nt := T{3}\n!echo between\nfunc (t T) twice() int { return 2 * t.n }\nt.twice()", want: "between\n=> 6"}, {code: "func main() { fmt.Println(\"main\") }\n!echo after", want: "main\nafter\n"}, {code: "func f() int {\n\treturn 1 +\n%who\n\t2\n}\nf()", want: "=> 3"}}},
		{"declarations below a magic line keep the Go in one part", []step{
			{code: "type Sq struct{ s float64 }\nshapes := []any{Sq{2}}\n!echo b\nfunc (q Sq) Area() float64 { return q.s*q.s }\nshapes[0].(Sq).Area()", want: "which a function, type or constant below them keeps in one part.\nb\n=> 4", not: "again"},
			{code: "fmt.Println(f1())\n!echo b\nfunc f1() int { return 1 }", want: "b\n1\n"},
			{code: "func main() { fmt.Println(\"main\") }\n!echo b\nmain()", want: "which func main above other Go keeps in one part.\nb\nmain\n", not: "main\nmain"},
			{code: "func main() { fmt.Println(\"main\", os.Args[1:]) }\n%args a b\nfmt.Println(\"below\")", want: "below\nmain [a b]"},
			{code: "x := 5"}, {code: "x\n!echo b\n// done", want: "=> 5b\n"}, {code: "%%time // how long\nx", want: "Wall time", not: "takes no Go"},
			{code: "%args a b\n%% c d\nfmt.Println(os.Args[1:])", want: "[c d]"}, {code: "fmt.Println(1)\n!*echo first\n!echo 2", want: "first\n1\n2\n"}}},
		{"cells whose Go stays one", []step{
			{code: "fmt.Println(\"a\")\n!echo b\ndefer fmt.Println(\"c\")", want: "The ! and % lines of this cell run before all of its Go, which a defer outside of functions keeps in one part.\nb\na\nc\n"}, {code: "n := 1\n!echo b\nif n == 1 { return }\nfmt.Println(\"never\")", want: "which a return outside", not: "never"},
			{code: "fmt.Println(func() int { return 1 }())\n!echo b", want: "1\nb\n", not: "one part"}, {code: "// static int one() { return 1; }\nimport \"C\"\nk := int(C.one())\n!echo b\nk", want: "b\n=> 1"}, {code: "%test\nfunc TestA(t *testing.T) {}\n!echo b", want: "PASS: TestA", not: "one part"}, {code: "v := 1\n!echo b\n%test\nfunc TestB(t *testing.T) {}", want: "which %test keeps"},
			{code: "import \"flag\"\nvar who = flag.String(\"whom\", \"x\", \"\")\n%% --whom=me\nfmt.Println(\"I am\", *who)", want: "I am me", not: "one part"}, {code: "%time fmt.Println(1)\n!echo 2\nfmt.Println(3)", want: "1\n2\n3\nWall time"}, {code: "fmt.Println(0)\n%capture part.txt\nfmt.Println(1)\n!echo 2\nfmt.Println(3)", want: "0\n1\n2\n3\n"}, {code: "!cat part.txt", want: "1\n2\n3\n", not: "0"}}},
	}...)
}
