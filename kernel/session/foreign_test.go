//go:build linux && slow

package session

import "testing"

// foreign are cells as people who are new to Go, or come from Python, type them, with what
// they expect to see. The magics and hints are in foreign_magic_test.go.
var foreign = []struct {
	name  string
	steps []step
}{
	{"an error first, a look at it then", []step{{code: "f, err := os.Open(\"/nope\")\nif err != nil {\n\tlog.Fatal(err)\n}\ndefer f.Close()", fail: "exit status 1"}, {code: "err", want: "open /nope"}, {code: "err != nil", want: "=> true"}}},
	{"half of a cell ran", []step{{code: "a := 1\nb := []int{1}[a]\nc := 3", fail: "index out of range"}, {code: "a", want: "=> 1"}, {code: "b", fail: "undefined: b"}, {code: "c", fail: "undefined: c"}}},
	{"a function of a cell that failed", []step{{code: "func double(x int) int { return 2 * x }\ntype T struct{ v int }\nconst k = 4\npanic(\"later\")", fail: "later"}, {code: "double(T{k}.v)", want: "=> 8"}}},
	{"a value before a failing cell and after", []step{{code: "n := 1"}, {code: "n = 2\nn = 10 / (n - 2)", fail: "divide by zero"}, {code: "n", want: "=> 2"}}},
	{"a failed cell is mended and run again", []step{{code: "xs := []int{1, 2}\ntotal := xs[5]", fail: "index out of range"}, {code: "xs := []int{1, 2}\ntotal := xs[0] + xs[1]\ntotal", want: "=> 3"}}},
	{"the comma ok form last", []step{{code: "ages := map[string]int{\"ada\": 36}\nv, ok := ages[\"ada\"]\nv, ok", want: "=> 36, true"}, {code: "ages[\"bob\"], ages[\"ada\"]", want: "=> 0, 36"}}},
	{"values and an error that have names", []step{{code: "n, err := strconv.Atoi(\"7\")\nn, err", want: "=> 7, <nil>"}, {code: "n, err = strconv.Atoi(\"x\")\nn, err", want: "invalid syntax"}}},
	{"a whole program is pasted", []step{{code: "package main\n\nimport \"fmt\"\n\ntype dog struct{ name string }\n\nfunc (d dog) bark() { fmt.Println(d.name, \"barks\") }\n\nfunc main() {\n\td := dog{\"Rex\"}\n\td.bark()\n}", want: "Rex barks\n"}, {code: "dog{\"Max\"}.bark()", want: "Max barks\n"}}},
	{"a program in two cells", []step{{code: "package main\nimport \"fmt\"\nfunc helper() string { return \"helped\" }"}, {code: "func main() { fmt.Println(helper()) }", want: "helped\n"}, {code: "main()", want: "helped\n"}}},
	{"main is called by hand", []step{{code: "runs := 0\nfunc main() { runs++ }\nmain()"}, {code: "runs", want: "=> 1"}}},
	{"init sees variables", []step{{code: "var cache map[string]int\nfunc init() { cache = map[string]int{\"a\": 1} }"}, {code: "len(cache)", want: "=> 1"}}},
	{"imports that are not used", []step{{code: "import (\n\t\"fmt\"\n\t\"os\"\n\tstr \"strings\"\n\t_ \"embed\"\n)\nfmt.Println(\"fine\")", want: "fine\n"}, {code: "str.ToUpper(\"later\")", want: "LATER"}}},
	{"variables that are not used", []step{{code: "func f() int {\n\tunused := 1\n\treturn 2\n}\nx := 3\nf()", want: "=> 2"}}},
	{"a variable called like its package", []step{{code: "time := time.Now()\ntime.IsZero()", want: "=> false"}, {code: "time := time.Now()\ntime.IsZero()", want: "=> false"}}},
	{"path and json as names", []step{{code: "path := path.Join(\"a\", \"b\")\npath", want: "a/b"}, {code: "json, err := json.Marshal([]int{1})\nstring(json)", want: "[1]"}}},
	{"a type instead of another", []step{{code: "x := 5"}, {code: "x := \"five\"\nlen(x)", want: "=> 4"}, {code: "x := []string{x, x}\nlen(x)", want: "=> 2"}}},
	{"assigning another type is an error that says so", []step{{code: "x := 5"}, {code: "x = \"five\"", fail: "cannot use \"five\""}, {code: "x", want: "=> 5"}}},
	{"a loop prints", []step{{code: "for i := 0; i < 3; i++ {\n\tfmt.Println(i)\n}", want: "0\n1\n2\n"}, {code: "for i, s := range []string{\"a\"} {\n\tfmt.Println(i, s)\n}", want: "0 a\n"}}},
	{"a function is mended", []step{{code: "func area(w, h int) int { return w + h }"}, {code: "area(2, 3)", want: "=> 5"}, {code: "func area(w, h int) int { return w * h }"}, {code: "area(2, 3)", want: "=> 6"}}},
	{"a method is added later", []step{{code: "type account struct{ balance int }\nacc := account{10}"}, {code: "func (a *account) deposit(n int) { a.balance += n }"}, {code: "acc.deposit(5)\nacc.balance", want: "=> 15"}}},
	{"a field is added later", []step{{code: "type p struct{ x int }\nv := p{1}"}, {code: "type p struct{ x, y int }"}, {code: "v.x", fail: "run cell 1 again"}, {code: "v := p{1, 2}\nv.y", want: "=> 2"}}},
	{"unexported fields and JSON", []step{{code: "type user struct { Name string; age int }\nb, _ := json.Marshal(user{\"Ada\", 36})\nfmt.Println(string(b))", want: "{\"Name\":\"Ada\"}\n"}}},
	{"a struct with its fields", []step{{code: "type user struct { name string; age int }\nfmt.Printf(\"%+v\\n\", user{\"Ada\", 36})", want: "{name:Ada age:36}\n"}, {code: "fmt.Printf(\"%T\\n\", user{})", want: "main.user\n"}}},
	{"os.Exit keeps the notebook", []step{{code: "kept := 1\nif kept == 1 {\n\tos.Exit(2)\n}\nkept = 5", fail: "exit status 2"}, {code: "kept", want: "=> 1"}}},
	{"a flag and its cell", []step{{code: "var name = flag.String(\"name\", \"world\", \"who\")\nflag.Parse()\n*name", want: "world"}, {code: "%args --name=Ada\nflag.Parse()\n*name", want: "Ada"}}},
	{"the worker is lost", []step{{code: "func twice(x int) int { return 2 * x }\nx := 4"}, {code: "syscall.Kill(os.Getpid(), syscall.SIGTERM)\nselect {}", fail: "signal: terminated"}, {code: "twice(3)", want: "=> 6"}, {code: "x", fail: "run cell 1 again"}}},
	{"embed is refused in a sentence", []step{{code: "import _ \"embed\"\n\n//go:embed a.txt\nvar a string", fail: "os.ReadFile(\"NAME\") reads a file when the cell runs"}}},
	{"a missing brace", []step{{code: "if true {\n\tfmt.Println(1)\n", fail: "cell 1, line"}, {code: "fmt.Println(1", fail: "line 1"}}},
	{"a number that is too large", []step{{code: "var b byte = 300", fail: "overflows"}, {code: "1 << 70", fail: "overflows int"}}},
	{"closures and goroutines", []step{{code: "results := make(chan string, 2)\nfor _, w := range []string{\"a\", \"b\"} {\n\tgo func() { results <- w }()\n}\nx, y := <-results, <-results"}, {code: "len(x + y)", want: "=> 2"}}},
	{"maps and slices live on", []step{{code: "scores := map[string][]int{}"}, {code: "scores[\"a\"] = append(scores[\"a\"], 1, 2)"}, {code: "len(scores[\"a\"])", want: "=> 2"}}},
	{"generic functions over cells", []step{{code: "type Number interface{ ~int | ~float64 }"}, {code: "func Map[T, U any](xs []T, f func(T) U) (r []U) { for _, x := range xs { r = append(r, f(x)) }; return r }"}, {code: "func Sum[T Number](xs ...T) (t T) { for _, x := range xs { t += x }; return }"},
		{code: "Sum(Map([]int{1, 2, 3}, func(i int) float64 { return float64(i) / 2 })...)", want: "=> 3"}}},
	{"a generic type and its methods over cells", []step{{code: "type Tree[T cmp.Ordered] struct { L, R *Tree[T]; V T }"}, {code: "func (t *Tree[T]) Insert(v T) *Tree[T] { if t == nil { return &Tree[T]{V: v} }; if v < t.V { t.L = t.L.Insert(v) } else { t.R = t.R.Insert(v) }; return t }"},
		{code: "func (t *Tree[T]) All() iter.Seq[T] { return func(yield func(T) bool) { t.push(yield) } }\nfunc (t *Tree[T]) push(yield func(T) bool) bool { return t == nil || t.L.push(yield) && yield(t.V) && t.R.push(yield) }"},
		{code: "var root *Tree[int]\nfor _, v := range []int{5, 2, 8, 1} { root = root.Insert(v) }"}, {code: "slices.Collect(root.All())", want: "=> [1 2 5 8]"}}},
	{"a method is replaced under a live value", []step{{code: "type Stack struct { items []int }\nst := &Stack{}"}, {code: "func (s *Stack) Push(i int) { s.items = append(s.items, i) }"}, {code: "st.Push(1)"}, {code: "func (s *Stack) Push(i int) { s.items = append(s.items, i*100) }"}, {code: "st.Push(3)\nst.items", want: "=> [1 300]"},
		{code: "type Lener interface { Len() int }\nfunc (s *Stack) Len() int { return len(s.items) }"}, {code: "var l Lener = st\nl.Len()", want: "=> 2"}}},
	{"predeclared names as variables", []step{{code: "len := 3\nlen", want: "=> 3"}, {code: "string := \"text\"\nstring", want: "=> text"}, {code: "%rm len string"}, {code: "string([]byte{65}), len(\"abc\")", want: "=> A, 3"}, {code: "true := false\ntrue", want: "=> false"}}},
	{"iota and String", []step{{code: "type Day int\nconst (\n\tMon Day = iota + 1\n\tTue\n\t_\n\tThu\n)\nfunc (d Day) String() string { return [...]string{\"?\", \"mon\", \"tue\", \"wed\", \"thu\"}[d] }"}, {code: "Mon, Thu", want: "=> mon, thu"}, {code: "[]Day{Mon, Tue}", want: "=> [mon tue]"}, {code: "map[Day]int{Mon: 1}", want: "=> map[mon:1]"}}},
	{"goroutines live between cells", []step{{code: "ch, done := make(chan int), make(chan bool)\ngo func() { for v := range ch { fmt.Println(\"got\", v) }; done <- true }()"}, {code: "ch <- 1"}, {code: "close(ch)\n<-done", want: "=> true"}}},
	{"defer and return at top level", []step{{code: "defer fmt.Println(\"one\")\ndefer fmt.Println(\"two\")\nfmt.Println(\"body\")", want: "body\ntwo\none\n"}, {code: "if true { return }\nfmt.Println(\"never\")", not: "never"}, {code: "defer func() { fmt.Println(\"saved\", recover() != nil) }()\nvar m map[string]int\nm[\"a\"] = 1", want: "saved true"}}},
	{"labels and goto at top level", []step{{code: "i := 0\nagain:\nif i < 3 {\n\ti++\n\tgoto again\n}\ni", want: "=> 3"}, {code: "outer:\nfor i := range 3 {\n\tfor j := range 3 {\n\t\tif j == 1 { continue outer }\n\t\tif i == 2 { break outer }\n\t\tfmt.Print(i, j, \";\")\n\t}\n}", want: "0 0;1 0;"}}},
	{"two programs, one after the other", []step{{code: "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"first\")\n}", want: "first\n"}, {code: "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"second\")\n}", want: "second\n"}, {code: "main()", want: "second\n"}, {code: "//go:build linux\n\npackage main\n\nfunc tagged() int { return 9 }"}, {code: "tagged()", want: "=> 9"}}},
	{"two files in one cell", []step{{code: "package main\n\nfunc a() int { return 1 }\n\n// b.go\npackage main\n\nfunc b() int { return a() + 1 }"}, {code: "b()", want: "=> 2"}}},
	{"imports anywhere", []step{{code: "fmt.Println(\"before\")\nimport \"strings\"\nstrings.ToUpper(\"middle\")", want: "MIDDLE"}, {code: "import m \"math\"\nm.Sqrt(16)", want: "=> 4"}, {code: "import \"fmt\"; import \"os\"; len(os.Args) > 0", want: "=> true"}, {code: "import \"nosuch/pkg\"", fail: "nosuch/pkg"}}},
	{"C in a cell", []step{{code: "/*\nstatic int add(int a, int b) { return a + b; }\n*/\nimport \"C\"\nfmt.Println(C.add(2, 3))", want: "5\n"}}},
	{"text of all shapes", []step{{code: "// nothing but a comment"}, {code: ";"}, {code: ";;fmt.Println(\"semis\");;", want: "semis\n"}, {code: "1 /* inner */ + 2 // after", want: "=> 3"}, {code: "s := `\n%not a magic\n!not a command\n`\nfmt.Print(s)", want: "\n%not a magic\n!not a command\n"}, {code: "日本, π := \"Tokyo\", 3.14\nfmt.Println(日本, π)", want: "Tokyo 3.14\n"}, {code: "x :=\n  5\nx", want: "=> 5"}, {code: "strings.NewReplacer(\n\t\"a\", \"b\",\n).\n\tReplace(\"aaa\")", want: "=> bbb"}}},
	{"a name of every kind", []step{{code: "x, err := strconv.Atoi(\"1\")"}, {code: "x, err := \"text\", 5\nerr", want: "=> 5"}, {code: "var x = []string{\"a\"}"}, {code: "x = append(x, \"b\")\nx", want: "=> [a b]"}, {code: "type x struct{}\nx{}", want: "=> {}"}, {code: "func x() int { return 3 }\nx()", want: "=> 3"}, {code: "const x = 5"}, {code: "x := x + 1\nx", want: "=> 6"}}},
	{"newer Go", []step{{code: "max(1, 2.5), min(\"a\", \"b\")", want: "=> 2.5, a"}, {code: "for i := range 3 { fmt.Print(i) }", want: "012"}, {code: "new(5)", want: "=> &5"}, {code: "m := map[string]int{\"a\": 1}\nclear(m)\nlen(m)", want: "=> 0"}}},
	{"a value that only has a name", []step{{code: "err := errors.New(\"just a value\")"}, {code: "err", want: "just a value"}, {code: "fmt.Errorf(\"made now\")", fail: "made now"}}},
}

// TestForeign runs the language half of what newcomers type.
func TestForeign(t *testing.T) {
	s := newSession(t)
	if err := s.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, seq := range foreign {
		t.Run(seq.name, func(t *testing.T) {
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			for n, st := range seq.steps {
				out := &record{input: st.input}
				err := s.Execute(t.Context(), &Cell{Code: st.code, Count: n + 1}, out)
				st.check(t, n+1, err, out.String())
			}
		})
	}
}
