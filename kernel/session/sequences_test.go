//go:build linux

package session

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// step is one cell of a sequence. want must be in what it shows; fail, in its error's text (name, value and traceback);
// without fail it must succeed.
type step struct {
	code, want, fail string
	not              string   // must not be shown
	input            []string // answers to input requests
}

// sequence is a notebook in small. It begins with a fresh worker.
type sequence struct {
	name  string
	steps []step
}

var sequences = []sequence{
	{"hello", []step{{code: `fmt.Println("hello")`, want: "hello\n", not: "=>"}}},
	{"a dot import stays", []step{{code: "import . \"strings\""}, {code: "ToUpper(\"a\") + Repeat(\"b\", 2)", want: "=> Abb"},
		{code: "func Repeat(n int) int { return n }\nRepeat(3)", want: "=> 3"}, {code: "Repeat(4)", want: "=> 4"}}},
	{"names of a dot import beside own ones", []step{{code: "import . \"math\""}, {code: "Pi := 3"}, {code: "Floor(2.5), Pi", want: "=> 2, 3"}, {code: "func root(x float64) float64 { return Sqrt(x) * k }\nconst k = 2"}, {code: "const k = 3"}, {code: "root(4)", want: "=> 6"}, {code: "const k = 5"}, {code: "root(4)", want: "=> 10"}, {code: "%rm Pi\nPi > 3.1", want: "=> true"}}},
	{"a dot import below own names, and in their cell", []step{{code: "E := 5"}, {code: "import . \"math\"\nSqrt(4), E", want: "=> 2, 5"}, {code: "import . \"math\"\nPi := 3\nSqrt(4), Pi", want: "=> 2, 3"}, {code: "import . \"strings\"\nTitle := Title(\"a\")\nTitle", want: "=> A"}, {code: "Title = ToUpper(Title + \"b\")\nTitle", want: "=> AB"}, {code: "Ln2 := Ln2 * 2\nLn2", want: "=> 1.386"}}},
	{"two dot imports with names in common", []step{{code: "import . \"strings\""}, {code: "import . \"bytes\""}, {code: "string(ToUpper([]byte(\"a\")))", want: "=> A"}, {code: "NewReplacer(\"a\", \"b\").Replace(\"a\")", want: "=> b"}, {code: "string(ToUpper([]byte(\"c\")))", want: "=> C"}, {code: "import . \"strings\"\nToUpper(\"d\")", want: "=> D"},
		{code: "import . \"strings\"\nimport . \"bytes\"", fail: "line 2, column 8: Clone redeclared"}, {code: "func up(s string) string { return ToUpper(s) + Repeat(Itoa(n), 2) }\nimport . \"strconv\"\nconst n = 1"}, {code: "const n = 2"}, {code: "up(\"a\")", want: "=> A22"}}},
	{"a carried function with a dot import keeps its meaning", []step{{code: "import . \"math\"\nconst Pi = 3\nconst k = 1\nfunc area() float64 { return Pi * Sqrt(4) * k }\narea() == 6", want: "=> true"}, {code: "const k = 2"}, {code: "area() == 12", want: "=> true"}, {code: "func Sqrt(x float64) float64 { return 0 }"}, {code: "const k = 3"}, {code: "area() == 18, Sqrt(4)", want: "=> true, 0"}, {code: "const Pi = 4"}, {code: "area() == 24", want: "=> true"}}},
	{"a carried function with two dot imports", []step{{code: "import . \"bytes\""}, {code: "import . \"strings\""}, {code: "const n = 1\nfunc f() string { return string(NewBufferString(ToUpper(\"x\")).Bytes())[:n] }"}, {code: "const n = 0"}, {code: "f()", want: "=> \"\""}, {code: "import . \"bytes\"\nconst n = 1"}, {code: "f(), string(ToUpper([]byte(\"b\")))", want: "=> X, B"}}},
	{"a carried function with the same two, the other way round", []step{{code: "import . \"strings\""}, {code: "import . \"bytes\""}, {code: "const n = 1\nfunc f() string { return NewReplacer(\"a\", \"b\").Replace(string(ToUpper([]byte(\"xy\"))))[:n] }"}, {code: "const n = 2"}, {code: "f()", want: "=> XY"}}},
	{"a carried type with a dot import", []step{{code: "import . \"strings\"\nconst k = 1\ntype W struct {\n\tBuilder\n\ta [k]int\n}\nfunc (w *W) add() *W { w.WriteString(Repeat(\"a\", len(w.a))); return w }\nfunc w() *W { return &W{Builder: Builder{}} }"}, {code: "func Builder() {}\nconst k = 2"}, {code: "w().add().String()", want: "=> aa"}}},
	{"imports below other declarations", []step{{code: "const c = 3\nfunc up(s string) string { return strings.ToUpper(s) }\nimport \"strings\"\nup(\"a\")\ntype T struct{}\nimport (\n\tm \"math\"\n)\nm.Sqrt(4)", want: "=> 2"}, {code: "up(\"b\") + fmt.Sprint(c)", want: "=> B3"}, {code: "func f() {}\nimport nope", fail: "line 2"}}},
	{"a blank import", []step{{code: "import _ \"image/png\"\nimport \"image\"\n_, _, err := image.Decode(strings.NewReader(\"\\x89PNG\\r\\n\\x1a\\n\"))\nfmt.Println(err)", want: "unexpected EOF"}}},
	{"value of the last expression", []step{{code: "x := 6\nx * 7", want: "=> 42"}, {code: "x", want: "=> 6"}, {code: "x;", not: "=>"}, {code: "_ = x", not: "=>"}}},
	{"several values", []step{{code: "func f() (int, string) { return 1, \"a\" }\nf()", want: "=> 1, a"}}},
	{"nil error shows nothing", []step{{code: "func f() error { return nil }\nf()", not: "=>"}}},
	{"an error fails the cell", []step{{code: "errors.New(\"broken\")", fail: "broken"}}},
	{"value and error", []step{{code: "strconv.Atoi(\"12\")", want: "=> 12", not: "nil"}, {code: "strconv.Atoi(\"x\")", fail: "invalid syntax"}}},
	{"no value", []step{{code: "func f() { print(1) }\nf()", want: "1", not: "=>"}}},
	{"struct values by name", []step{{code: "type T struct { a int; B string }\nT{1, \"x\"}", want: "=> {a:1 B:x}"}}},
	{"own bundle", []step{{code: "type P struct{}\nfunc (P) Bundle() (map[string]any, error) { return map[string]any{\"text/html\": \"<b>\", \"text/plain\": \"plain\"}, nil }\nP{}", want: "=> plain"}}},
	{"MIMEBundle", []step{{code: "type P struct{}\nfunc (P) MIMEBundle() map[string]any { return map[string]any{\"text/plain\": \"mime\"} }\nP{}", want: "=> mime"}}},
	{"state lives on", []step{{code: "m := map[string]int{\"a\": 1}"}, {code: "m[\"b\"] = 2"}, {code: "len(m)", want: "=> 2"}}},
	{"a map literal that only later cells use", []step{{code: "var codes = map[string]int{\"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4, \"e\": 5, \"f\": 6, \"g\": 7, \"h\": 8, \"i\": 9}"}, {code: "len(codes)", want: "=> 9"}}},
	{"x := x + 1", []step{{code: "x := 1"}, {code: "x := x + 1\nx", want: "=> 2"}, {code: "x := x * 10\nx", want: "=> 20"}}},
	{"redefinition with another type", []step{{code: "x := 1"}, {code: "x := \"now text\""}, {code: "x + \"!\"", want: "=> now text!"}}},
	{"names that generated code might have", []step{{code: "run := 1"}, {code: "run := \"a\"\nrun", want: "=> a"}, {code: "cell, rt, main2 := 1, 2, 3\ncell + rt + main2", want: "=> 6"}, {code: "cell := run\ncell", want: "=> a"}}},
	{"structs and arrays of a library's types", []step{
		{code: "u, _ := url.Parse(\"http://a/b?c=d\")\nv := *u\nmany := [3]url.URL{v, v, v}"},
		{code: "v.Path = strings.Repeat(\"x\", 1000)\nmany[2] = url.URL{Host: strings.Repeat(\"y\", 1000)}\nvar junk [][]byte\nfor i := 0; i < 2000; i++ {\n\tjunk = append(junk, make([]byte, 1000))\n}\nruntime.GC()"},
		{code: "fmt.Sprint(len(v.Path), v.Host, strings.Count(many[2].Host, \"y\"), many[1].RawQuery)", want: "=> 1000a1000c=d"}}},
	{"old value of another type in the new one", []step{{code: "x := 7"}, {code: "x := fmt.Sprint(\"seven is \", x)\nx", want: "=> seven is 7"}}},
	{"no new variables in one cell", []step{{code: "x := 1\nx := 2", fail: "line 2, column 3: no new variables"}}},
	{"second := with something new", []step{{code: "a, err := strconv.Atoi(\"1\")\nb, err := strconv.Atoi(\"2\")\nfmt.Println(a, b, err)", want: "1 2 <nil>"}}},
	{"a function is replaced in its callers", []step{
		{code: "func f() int { return 1 }"}, {code: "func g() int { return f() * 10 }"}, {code: "g()", want: "=> 10"},
		{code: "func f() int { return 2 }"}, {code: "g()", want: "=> 20"}}},
	{"a function two calls away", []step{
		{code: "func a() int { return 1 }\nfunc b() int { return a() + 1 }"}, {code: "func c() int { return b() + 1 }"},
		{code: "func a() int { return 100 }"}, {code: "c()", want: "=> 102"}}},
	{"a caller that no longer compiles is stale", []step{
		{code: "func f() int { return 1 }"}, {code: "func g() int { return f() + 1 }"},
		{code: "func f() string { return \"s\" }", want: "g is stale"}, {code: "g()", fail: "run it again"},
		{code: "func g() string { return f() + \"!\" }\ng()", want: "=> s!"}}},
	{"a constant and what is made of it", []step{{code: "const n = 2"}, {code: "func f() int { return n * n }"}, {code: "const n = 5"}, {code: "f()", want: "=> 25"}}},
	{"iota", []step{{code: "const (\n\tA = iota\n\tB\n\tC\n)\nC", want: "=> 2"}, {code: "B", want: "=> 1"}}},
	{"a function of a variable sees its new value", []step{{code: "x := 1\nfunc f() int { return x }"}, {code: "x := 5"}, {code: "f()", want: "=> 5"}, {code: "x = 6\nf()", want: "=> 6"}}},
	{"a variable becomes a function", []step{{code: "v := 3"}, {code: "func v() int { return 4 }"}, {code: "v()", want: "=> 4"}}},
	{"a function becomes a variable", []step{{code: "func v() int { return 4 }"}, {code: "v := 3"}, {code: "v", want: "=> 3"}}},
	{"a type with another layout makes variables stale", []step{
		{code: "type T struct{ a int }"}, {code: "t := T{1}"}, {code: "type T struct{ a, b int }"},
		{code: "t", fail: "run cell 2 again"}, {code: "t := T{1, 2}\nt.b", want: "=> 2"}}},
	{"a method on a type of an earlier cell", []step{
		{code: "type T struct{ a int }\nt := T{3}"}, {code: "func (t T) twice() int { return 2 * t.a }"}, {code: "t.twice()", want: "=> 6"},
		{code: "func (t T) thrice() int { return 3 * t.a }\nt.twice() + t.thrice()", want: "=> 15"}}},
	{"a method is replaced", []step{
		{code: "type T struct{ a int }\nfunc (t *T) get() int { return t.a }\nt := &T{3}"}, {code: "func (t *T) get() int { return -t.a }"}, {code: "t.get()", want: "=> -3"}}},
	{"the type's cell is run again unchanged", []step{
		{code: "type T struct{ a int }\nfunc (t T) get() int { return t.a }"}, {code: "t := T{8}"},
		{code: "type T struct{ a int }\nfunc (t T) get() int { return t.a }"}, {code: "t.get()", want: "=> 8"}}},
	{"pointers to a migrated type keep their target", []step{
		{code: "type N struct{ v int; next *N }\nn := &N{1, &N{2, nil}}\nm := n.next"}, {code: "func (n *N) sum() int { s := 0; for ; n != nil; n = n.next { s += n.v }; return s }"},
		{code: "m.v = 10\nn.sum()", want: "=> 11"}}},
	{"values in an interface are named", []step{
		{code: "type S interface { area() int }\ntype Q struct{ a int }\nfunc (q Q) area() int { return q.a * q.a }"}, {code: "var s S = Q{3}\ns.area()", want: "=> 9"},
		{code: "func (q Q) area() int { return 0 }", want: "s (cell 2) still holds"}}},
	{"embedding", []step{{code: "type base struct{ id int }\nfunc (b base) name() string { return fmt.Sprint(\"b\", b.id) }"}, {code: "type derived struct { base; x int }\nd := derived{base{4}, 1}\nd.name()", want: "=> b4"}, {code: "d.base.id", want: "=> 4"}}},
	{"a type that is one of another cell", []step{{code: "type Celsius float64\ntype Point struct{ X int }\nfunc (p Point) Twice() int { return 2 * p.X }"},
		{code: "type Temp Celsius\ntype P2 Point\ntype P3 = Point\nTemp(1), P2{2}.X, P3{3}.Twice()", want: "=> 1, 2, 6"}, {code: "type P4 P2\ntype P5[T any] = P4\nP4{4}", want: "=> {X:4}"}, {code: "type P5 P5", fail: "invalid recursive type"}}},
	{"unexported fields stay out of JSON", []step{{code: "type T struct { A int; b int }\nj, _ := json.Marshal(T{1, 2})\nstring(j)", want: `=> {"A":1}`}}},
	{"embedded error", []step{{code: "type wrapped struct { error; code int }\nw := wrapped{errors.New(\"inner\"), 7}\nw.error.Error()", want: "=> inner"}, {code: "w.error = errors.New(\"other\")\nfmt.Sprint(w.Error(), w.code)", want: "=> other7"}}},
	{"generic functions", []step{{code: "func Map[T, U any](s []T, f func(T) U) []U { var r []U; for _, x := range s { r = append(r, f(x)) }; return r }"}, {code: "Map([]int{1, 2}, func(i int) string { return fmt.Sprint(i * i) })", want: `=> ["1" "4"]`}}},
	{"generic types", []step{{code: "type stack[T any] struct{ items []T }\nfunc (s *stack[T]) push(x T) { s.items = append(s.items, x) }\nfunc (s *stack[T]) len() int { return len(s.items) }"}, {code: "var s stack[string]\ns.push(\"a\")\ns.push(\"b\")"}, {code: "s.len()", want: "=> 2"}, {code: "s", want: "{items:[a b]}"}}},
	{"types that refer to themselves", []step{
		{code: "type node[T any] struct { v T; next *node[T] }\nfunc (n *node[T]) len() int { if n == nil { return 0 }; return 1 + n.next.len() }\ntype tree struct { kids []tree; m map[string]*tree }\ntype wrap struct { *tree; node[int] }"},
		{code: "n := &node[int]{1, &node[int]{2, nil}}\nw := wrap{&tree{}, *n}\nw.kids = []tree{{}}"}, {code: "fmt.Sprint(n.len(), len(w.tree.kids), w.node.v, w.len())", want: "=> 2 1 1 2"},
		{code: "type pair[K comparable, V any] struct { k K; v V }\ntype table[K comparable, V any] struct { rows []pair[K, V] }\nfunc (t *table[K, V]) put(k K, v V) { t.rows = append(t.rows, pair[K, V]{k, v}) }"},
		{code: "t := table[string, node[int]]{}\nt.put(\"a\", *n)\nfmt.Sprintf(\"%v %T\", t.rows[0].k, t)", want: "=> a main.table[string,main.node[int]]"}}},
	{"constraints", []step{{code: "type number interface { ~int | ~float64 }\nfunc sum[T number](xs ...T) (t T) { for _, x := range xs { t += x }; return }"}, {code: "sum(1.5, 2.5)", want: "=> 4"}}},
	{"type assertions across cells", []step{{code: "type T struct{ v int }\nvar a any = T{5}"}, {code: "a.(T).v", want: "=> 5"}, {code: "switch v := a.(type) {\ncase T:\n\tfmt.Println(\"a T\", v.v)\n}", want: "a T 5"}}},
	{"closures keep their variables", []step{{code: "n := 0\ninc := func() int { n++; return n }"}, {code: "inc()\ninc()", want: "=> 2"}, {code: "n", want: "=> 2"}, {code: "n = 10\ninc()", want: "=> 11"}}},
	{"a closure over a replaced function is named", []step{{code: "func f() int { return 1 }"}, {code: "g := func() int { return f() }"}, {code: "func f() int { return 2 }", want: "g (cell 2) still holds"}}},
	{"shadowing in blocks", []step{{code: "x := 1\nif x := 2; x > 1 {\n\tx := 3\n\t_ = x\n}\nx", want: "=> 1"}}},
	{"a loop variable does not leak", []step{{code: "for i := 0; i < 3; i++ {\n}\n"}, {code: "i", fail: "undefined: i"}}},
	{"unused variables and imports", []step{{code: "import \"os\"\nfunc f() { a := 1 }\nfor i, c := range \"ab\" {\n\tz := i\n}\nif q := 1; true {\n}\nswitch v := any(1).(type) {\ncase int:\n}\nf()", not: "=>"}}},
	{"import clash in two cells", []step{{code: "import \"math/rand\"\nr := rand.New(rand.NewSource(1))"}, {code: "import \"crypto/rand\"\nb := make([]byte, 4)\nrand.Read(b)\nlen(b)", want: "=> 4"}, {code: "func roll() int { return r.Intn(1) }\nroll()", want: "=> 0"}}},
	{"a carried function keeps its import", []step{
		{code: "import \"math/rand\"\nfunc k() int { return 1 }\nfunc f() int { return rand.Intn(1) + k() }"}, {code: "import \"crypto/rand\"\nvar _ = rand.Reader"},
		{code: "func k() int { return 7 }"}, {code: "f()", want: "=> 7"}}},
	{"two imports of one name", []step{{code: "import \"math/rand\"\nimport \"crypto/rand\"\nrand.Int()", fail: "rand already imported"}}},
	{"dot import and alias", []step{{code: "import . \"strings\"\nimport str \"strconv\"\nToUpper(\"a\") + str.Itoa(1)", want: "=> A1"}}},
	{"a variable named like a package", []step{{code: "import \"strings\"\nfmt.Println(strings.ToUpper(\"a\"))", want: "A"}, {code: "strings := []string{\"x\"}\nlen(strings)", want: "=> 1"}, {code: "strings[0]", want: "=> x"}}},
	{"packages found by what is used of them", []step{{code: "rand.Intn(1)", want: "=> 0"}, {code: "template.HTML(\"<p>\")", want: "=> <p>"}}},
	{"unknown package", []step{{code: "import \"example.com/nowhere/x\"\nx.Y()", fail: "line 1, column 8: import \"example.com/nowhere/x\": no module of this notebook has that package"}}},
	{"compile error, line and column", []step{{code: "a := 1\n\nb := a + \"x\"", fail: "cell 1, line 3, column 6"}, {code: "\tü := 1; undefinedName()", fail: "column 10: undefined: undefinedName"}}},
	{"syntax error", []step{{code: "x := (1 + \n", fail: "line"}, {code: "for {", fail: "cell 2, line"}}},
	{"near names", []step{{code: "counter := 1"}, {code: "countr + 1", fail: "did you mean counter?"}, {code: "fmt.Printn(1)", fail: "did you mean fmt.Print"}}},
	{"what ran of a failed cell stays", []step{
		{code: "x := 1\nfunc f() int { return 1 }"}, {code: "x := 2\ny := 3\nfunc f() int { return 2 }\npanic(\"no\")\nz := 4", fail: "cell 2, line 4, in the cell's body"},
		{code: "fmt.Println(x, y, f())", want: "2 3 2"}, {code: "z", fail: "undefined: z"}}},
	{"an error has a name", []step{{code: "f, err := os.Open(\"/nope\")\nif err != nil {\n\tpanic(err)\n}\nf.Close()", fail: "no such file"}, {code: "err", want: "=> open /nope: no such file or directory"}, {code: "f == nil", want: "=> true"}}},
	{"a call that returns an error fails", []step{{code: "f, err := os.Open(\"/nope\")\nerr", want: "=> open /nope"}, {code: "_, err = os.Open(\"/nope\")\nfunc() error { return err }()", fail: "open /nope"}, {code: "f, err", want: "open /nope"}}},
	{"what a failed cell did not come to keeps its value", []step{
		{code: "x := 1\ntype T struct{ n int }\nfunc g() int { return x }"}, {code: "k := 2\nvar p *int\n*p = 1\nx := \"text\"\nfunc h() string { return x }\ntype U struct{ s string }\nconst c = 5", fail: "nil pointer"},
		{code: "fmt.Println(x, g(), k, c, U{\"u\"}, h())", want: "1 1 2 5 {u}"}, {code: "x := \"now\"", want: "g is stale"}, {code: "h()", want: "=> now"}}},
	{"a function sees the variable that its failed cell did not come to", []step{
		{code: "func f() int { return y }\npanic(1)\ny := 3", fail: "1"}, {code: "y", fail: "undefined: y"}, {code: "func f() int { return y }\ny := 4\nf()", want: "=> 4"}, {code: "y := 5\nf()", want: "=> 5"}}},
	{"a stopped cell's types and methods stay", []step{{code: "type T struct{ n int }\nfunc (t T) twice() int { return 2 * t.n }\nt := T{4}\nruntime.Goexit()", fail: "Goexit"}, {code: "t.twice()", want: "=> 8"}}},
	{"panic with line and function", []step{{code: "func div(a, b int) int {\n\treturn a / b\n}"}, {code: "div(1, 0)", fail: "cell 1, line 2"}, {code: "1 + 1", want: "=> 2"}}},
	{"nil map and index", []step{{code: "var m map[string]int\nm[\"a\"] = 1", fail: "assignment to entry in nil map"}, {code: "[]int{1}[len(\"abc\")]", fail: "index out of range"}}},
	{"runtime.Goexit", []step{{code: "runtime.Goexit()", fail: "Goexit"}, {code: "1", want: "=> 1"}}},
	{"a panic in a large library keeps the cell's line", []step{{code: "model := tlkit.MustLoad(\"typo\")", fail: "cell 1, line 1, in the cell's body\n    1 | model"}}},
	{"panic alone", []step{{code: "panic(\"as asked\")", fail: "cell 1, line 1, in the cell's body"}}},
	{"recover in the cell", []step{{code: "defer func() { fmt.Println(\"got\", recover()) }()\npanic(\"x\")", want: "got x"}}},
	{"goroutines outlive their cell", []step{{code: "ch := make(chan int)\ngo func() { for i := 0; ; i++ { ch <- i } }()"}, {code: "<-ch", want: "=> 0"}, {code: "<-ch + <-ch", want: "=> 3"}}},
	{"what ends the worker ends nothing else", []step{{code: "x := 1"}, {code: "var mu sync.Mutex\nmu.Unlock()", fail: "%rerun"}, {code: "x", fail: "is gone"}, {code: "%rerun"}, {code: "x", want: "=> 1"}}},
	{"a panic in another goroutine ends the cell", []step{
		{code: "x := 1\ntype W struct{ n int }\nfunc (w W) work(k int, opts ...string) { panic(fmt.Sprint(\"work \", w.n, k, opts)) }\nfunc late[T any](f func(T), v T) { go f(v) }"},
		{code: "go func() { panic(\"away\") }()\nselect {}", fail: "panic: away\n  cell 2, line 1, in the cell's body\n    1 | go func() { panic(\"away\") }()"},
		{code: "go W{7}.work(3, \"a\", \"b\")\nselect {}", fail: "panic: work 7 3 [a b]\n  cell 1, line 3, in W.work\n  cell 3, line 1, in the cell's body"}, {code: "go panic(\"direct\")\nselect {}", fail: "panic: direct"},
		{code: "late(func(s string) { panic(s) }, \"generic\")\nselect {}", fail: "panic: generic"},
		{code: "var wg sync.WaitGroup\nwg.Go(func() { var w *W; w.n = 3 })\nwg.Wait()", fail: "nil pointer dereference\n  cell 6, line 2"},
		{code: "time.AfterFunc(time.Millisecond, func() { panic(\"timer\") })\nselect {}", fail: "panic: timer"},
		{code: "import \"golang.org/x/sync/errgroup\"\nvar g errgroup.Group\ng.Go(func() error { panic(\"grouped\") })\ng.Wait()", fail: "panic: grouped"},
		{code: "done := make(chan any)\ngo func() { defer func() { done <- recover() }(); panic(\"own\") }()\n<-done", want: "=> own"}, {code: "x", want: "=> 1"}}},
	{"a panic in a goroutine that a library or a value starts ends the cell", []step{
		{code: "x := 1\ntype W struct{}\nfunc use(a int, b string) { panic(fmt.Sprint(\"two \", a, b)) }\nfunc two() (int, string) { return 1, \"b\" }\ngo use(two())\nselect {}", fail: "panic: two 1b"},
		{code: "ctx, cancel := context.WithCancel(context.Background())\ncontext.AfterFunc(ctx, func() { panic(\"after\") })\ncancel()\nselect {}", fail: "panic: after"},
		{code: "func() { var wg sync.WaitGroup; start := wg.Go; start(func() { panic(\"value\") }); wg.Wait() }()\nselect {}", fail: "panic: value"},
		{code: "func() { after := time.AfterFunc; after(0, func() { panic(\"timer\") }); (*sync.WaitGroup).Go(new(sync.WaitGroup), func() {}); select {} }()", fail: "panic: timer"},
		{code: "func local() { type T struct{ n int }; f := func(t T, more ...T) int { panic(fmt.Sprint(\"local \", t.n, len(more))) }; go f(T{3}, T{}, T{}); select {} }\nlocal()", fail: "panic: local 3 2"},
		{code: "import \"golang.org/x/sync/errgroup\"\nend := make(chan error, 1)\nfunc() { g, _ := errgroup.WithContext(context.Background()); g.Go(func() error { panic(\"grouped\") }); end <- g.Wait() }()", fail: "panic: grouped"}, {code: "(<-end).Error()", want: "ended by a panic"},
		{code: "%test\nfunc TestC(t *testing.T) { t.Cleanup(func() { panic(\"cleanup\") }) }", fail: "panic: cleanup"}, {code: "%test\nfunc BenchmarkP(b *testing.B) { b.RunParallel(func(pb *testing.PB) { panic(\"parallel\") }) }", fail: "panic: parallel"},
		{code: "%test\nfunc helper(t *testing.T) { panic(\"helped\") }\nfunc TestR(t *testing.T) { defer func() { t.Log(recover()) }(); helper(t) }\nfunc TestS(t *testing.T) { for _, f := range []func(*testing.T){func(t *testing.T) {}} { t.Run(\"sub\", f) } }", want: "helped"},
		{code: "%test\nfunc bad(t *testing.T) { panic(\"in sub\") }\nfunc fuzz(t *testing.T, n int) { panic(\"in fuzz\") }\nfunc TestS(t *testing.T) { t.Run(\"sub\", bad) }\nfunc FuzzS(f *testing.F) { f.Add(1); f.Fuzz(fuzz) }", want: "in fuzz", fail: "tests failed"}, {code: "x", want: "=> 1"}}},
	{"a panic of a finalizer or a cleanup ends the cell", []step{
		{code: "x := 1\ntype B struct{ data [64]byte }\nfunc collect() { for { runtime.GC(); time.Sleep(time.Millisecond) } }"},
		{code: "runtime.SetFinalizer(&B{}, func(b *B) { panic(\"finalized\") })\ncollect()", fail: "panic: finalized"},
		{code: "func named(b *B) int { panic(\"named \" + fmt.Sprint(len(b.data))) }\nruntime.SetFinalizer(&B{}, named)\ncollect()", fail: "panic: named 64"},
		{code: "runtime.AddCleanup(&B{}, func(s string) { panic(\"cleaned \" + s) }, \"up\")\ncollect()", fail: "panic: cleaned up"},
		{code: "func() { set := runtime.SetFinalizer; set(&B{}, func(*B) { panic(\"by value\") }); collect() }()", fail: "panic: by value"},
		{code: "b := &B{}\nruntime.SetFinalizer(b, func(*B) {})\nruntime.SetFinalizer(b, nil)\nx", want: "=> 1"}}},
	{"functions of C in functions and go statements", []step{{code: "/*\nstatic int add(int a, int b) { return a + b; }\nstatic void none(int a) {}\n*/\nimport \"C\"\nfunc sum(xs ...int) (n int) { go C.none(C.add(1, 2)); for _, x := range []C.int{C.int(xs[0]), C.int(xs[1])} { n = int(C.add(C.int(n), x)) }; return n }\nsum(1, 2)", want: "=> 3"}}},
	{"functions with constants and nil as arguments", []step{{code: "func args(f func(any) int) int { println(1, nil == f); var p any; xs := append([]any{}, nil, 2, 1 << 3); copy([]byte{0}, \"a\"); _ = float64(7); return f(nil) + f(1) + len(xs) + len(\"ab\") + cap([]int{1}) + int(real(2i)) + f(p == nil) + f(1 < 2) }\nargs(func(any) int { return 1 })", want: "=> 10"}}},
	{"a panic of a goroutine that one of an earlier cell starts", []step{
		{code: "now, over := make(chan int), make(chan int)\ngo func() { <-now; var wg sync.WaitGroup; wg.Go(func() { panic(\"late\") }); wg.Wait(); close(over) }()"},
		{code: "close(now)\n<-over\nfmt.Println(\"went on\")", want: "went on"}}},
	{"a panic in a goroutine of an earlier cell", []step{{code: "now := make(chan int)\ngo func() { <-now; panic(\"late\") }()\nbefore := runtime.NumGoroutine()"},
		{code: "close(now)\nfor tries := 0; runtime.NumGoroutine() >= before; tries++ {\n\tif tries == 10_000 { panic(\"the goroutine goes on\") }\n\ttime.Sleep(time.Millisecond)\n}\n3", want: "A goroutine of an earlier cell ended by a panic (cell 1, line 2): late\n"}}},
	{"a stack overflow ends the cell", []step{
		{code: "x := 1\nfunc deep(n int) int { return deep(n+1) + 1 }\ntype R struct{ n int }\nfunc (r R) String() string { return fmt.Sprintf(\"R is %v\", r) }\nfunc sum(n int) int { if n == 0 { return 0 }; return n + sum(n-1) }"},
		{code: "deep(0)", fail: "calls itself without end; all variables are there"}, {code: "R{1}", fail: "R.String\n  fmt."}, {code: "sum(3_000_000) + x", want: "=> 4500001500001"}}},
	{"deferred functions of a deep recursion end the cell", []step{
		{code: "x := 1\nfunc leave(n int) { defer func() { x++ }(); if n == 0 { os.Exit(1) }; leave(n - 1) }\nleave(100_000)", fail: "exit status 1"}, {code: "x", want: "=> 100002"},
		{code: "func deep(n int) int { defer func() { recover() }(); return deep(n+1) + 1 }\ndeep(0)", fail: "calls itself without end; all variables are there"}, {code: "x", want: "=> 100002"}}},
	{"a stack overflow of large frames, and of a range over a function", []step{
		{code: "x := 1\nfunc big(n int) int { var a, b, c, d, e, f, g, h [120 << 10]byte; a[n%7], b[n%7], c[n%7], d[n%7], e[n%7], f[n%7], g[n%7], h[n%7] = 1, 2, 3, 4, 5, 6, 7, 8; return big(n+1) + int(a[0]+b[1]+c[2]+d[3]+e[4]+f[5]+g[6]+h[0]) }\nbig(0)", fail: "calls itself without end; all variables are there"},
		{code: "func each(yield func(int) bool) { for range each { } }\nfor range each { }", fail: "calls itself without end; all variables are there"},
		{code: "func wide(a [2 << 20]byte, n int) int { return wide(a, n+1) + int(a[n%7]) }\nwide([2 << 20]byte{}, 0)", fail: "calls itself without end; all variables are there"}, {code: "x", want: "=> 1"}}},
	{"functions, types and constants come back after the worker is lost", []step{
		{code: "const c = 3\ntype T struct{ n int }\nfunc (t T) twice() int { return c * t.n }\nfunc free(i int) int { return T{i}.twice() + len(strings.Repeat(\"x\", i)) }\nx := 5"},
		{code: "func uses() int { return x + free(1) }\nfunc calls() int { return uses() }"},
		{code: "syscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}", fail: "Functions, types and constants are there again"},
		{code: "free(2) + T{1}.twice()", want: "=> 11"}, {code: "x", fail: "x is gone"}, {code: "uses()", fail: "uses is back when x (cell 1) is"},
		{code: "syscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}", fail: "memory"},
		{code: "x", fail: "x is gone: the worker ended; run cell 1 again"}, {code: "free(2)", want: "=> 8"},
		{code: "x := 10"}, {code: "calls()", want: "=> 14"}, {code: "func (t T) thrice() int { return 3 * t.n }\nT{2}.thrice() + T{2}.twice()", want: "=> 12"}}},
	{"return ends a cell, and what is below it is not there", []step{
		{code: "x := 1\nif x == 1 {\n\treturn\n}\ny := 5\nvar q = 7\nfunc late() int { return 3 }"}, {code: "y", fail: "undefined: y"}, {code: "q", fail: "undefined: q"}, {code: "late() + x", want: "=> 4"},
		{code: "y := 6"}, {code: "if x == 1 { return }\ny := 7"}, {code: "y", want: "=> 6"},
		{code: "func() int { return 3 }()\nz := func() int { return 4 }()"}, {code: "z", want: "=> 4"}, {code: "x = 2\nif x == 1 { return }\ny := 7"}, {code: "y", want: "=> 7"}}},
	{"a recovered panic, and what is below it", []step{
		{code: "defer func() { fmt.Println(\"got\", recover()) }()\na := 1\npanic(\"p\")\nb := 2", want: "got p"}, {code: "a", want: "=> 1"}, {code: "b", fail: "undefined: b"},
		{code: "defer fmt.Println(\"end\")\nb := 3", want: "end"}, {code: "b", want: "=> 3"}}},
	{"typos of fields and methods", []step{
		{code: "http.Client{Timout: 1}", fail: "did you mean Timeout?"}, {code: "[]http.Client{{Timout: 1}}", fail: "did you mean Timeout?"}, {code: "map[string]http.Cookie{\"a\": {Nam: \"x\"}}", fail: "did you mean Name?"},
		{code: "type T struct{ Name string; age int }"}, {code: "T{Nmae: \"x\"}", fail: "did you mean Name?"}, {code: "t := T{}\nt.aeg", fail: "did you mean age?"}, {code: "T{Colour: 1}", fail: "its fields are Name, age"},
		{code: "m, _ := url.Parse(\"http://a\")\nm.Hostnam()", fail: "did you mean Hostname?"}, {code: "var b strings.Builder\nb.WriteSrting(\"a\")", fail: "did you mean WriteString?"},
		{code: "time.Now().Yaer()", fail: "did you mean Year?"}, {code: "var e error\ne.Eror()", fail: "did you mean Error?"}, {code: "func f(t T) int { return t.Nam }", fail: "did you mean Name?"}}},
	{"print of an address", []step{{code: "type R struct{ a int }\nrun := &R{1}\nprint(run)", want: "fmt.Println(x), or x alone"}, {code: "println(\"a\", 1)", want: "a 1\n", not: "address"}, {code: "print(R{})", fail: "fmt.Println prints any value"}}},
	{"a Must form's panic", []step{{code: "template.Must(template.New(\"x\").Parse(\"{{\"))", fail: "unclosed action\n  cell 1, line 1"},
		{code: "func load() any { return tlkit.MustLoad(\"typo\") }\nload()", fail: "  cell 2, line 1, in load\n    1 | func load() any { return tlkit.MustLoad(\"typo\") }\n  in tlkit.MustLoad, which panics with the error of a call\n  cell 2, line 2, in the cell's body"},
		{code: "strings.Repeat(\"a\", -1)", fail: "negative Repeat count\n  cell 3, line 1, in the cell's body\n    1 | strings.Repeat(\"a\", -1)\n  strings.Repeat"}}},
	{"a cell's place in logs", []step{{code: "log.SetFlags(log.Lshortfile)\nlog.Print(\"hi\")\n_, file, line, _ := runtime.Caller(0)\nfile, line", want: "cell 1:2: hi\n=> cell 1, 3"}, {code: "/*\nstatic int two() { return 2; }\n*/\nimport \"C\"\nlog.Print(int(C.two()))", want: "cell 2:5: 2\n"}}},
	{"another program takes the process", []step{{code: "import \"syscall\"\nkept := 1\nsyscall.Exec(\"/bin/true\", []string{\"true\"}, nil)", fail: "exit status 0): the process ended itself or became another program"}, {code: "1 + 1", want: "=> 2"}}},
	{"C ends the process", []step{{code: "/*\n#include <stdlib.h>\n*/\nimport \"C\"\nx := 1\nC.exit(5)", fail: "exit status 5): the process ended itself or became another program"}, {code: "1 + 1", want: "=> 2"}}},
	{"internal packages", []step{{code: "import \"internal/abi\"", fail: "line 1, column 8: use of internal package internal/abi not allowed"}, {code: "abi.FuncPCABI0(nil)", fail: "undefined: abi"}}},
	{"a panic in init", []step{{code: "x := 4\nfunc init() { panic(\"in init\") }", fail: "panic: in init\n  cell 1, line 2, in init\n    2 | func init() { panic(\"in init\") }"}, {code: "x", want: "=> 4"}}},
	{"a builtin's name is taken", []step{{code: "int, nil := 5, 3"}, {code: "func h(x int) {}", fail: "int of cell 1 hides Go's own: %rm int forgets it"}, {code: "var e error\ne == nil", fail: "nil of cell 1 hides"}, {code: "%rm int nil\nvar e error\ne == nil, int(2)", want: "=> true, 2"}, {code: "append := 1"}, {code: "append([]int{}, 1)", fail: "append of cell 5 hides"}}},
	{"os.Exit", []step{{code: "x := 5\nos.Exit(3)", fail: "exit status 3"}, {code: "x", want: "=> 5"}}},
	{"the place of os.Exit in a deferred function", []step{{code: "x := 5\ndefer func() {\n\tos.Exit(2)\n}()\npanic(\"first\")", fail: "cell 1, line 3\n    3 | \tos.Exit(2)"}, {code: "defer os.Exit(3)\nx", fail: "(exit status 3); all variables are there"}}},
	{"the place where the worker ended", []step{{code: "func unlock(mu *sync.Mutex) {\n\tmu.Unlock()\n}"}, {code: "var mu sync.Mutex\n\nunlock(&mu)", fail: "unlock of unlocked mutex; all variables are gone, the kernel is alive\n  cell 1, line 2\n"},
		{code: "runtime.Breakpoint()", fail: "SIGTRAP: trace trap; all variables are gone, the kernel is alive\n  cell 3, line 1\n    1 | runtime.Breakpoint()"}}},
	{"log.Fatal", []step{{code: "x := 5\nlog.Fatal(\"can't go on\")\nx = 6", want: "can't go on", fail: "exit status 1"}, {code: "x", want: "=> 5"}}},
	{"os.Exit in a function and in a goroutine", []step{{code: "x := 5\nfunc bye() { defer fmt.Println(\"deferred\"); os.Exit(4) }\nbye()", fail: "exit status 4"}, {code: "go bye()\nfor { time.Sleep(time.Millisecond) }", fail: "exit status 4"}, {code: "x", want: "=> 5"}}},
	{"cgo", []step{{code: "/*\n#include <stdlib.h>\nstatic int add(int a, int b) { return a + b; }\n*/\nimport \"C\"\nfunc add(a, b int) int { return int(C.add(C.int(a), C.int(b))) }\nadd(2, 3)", want: "=> 5"}, {code: "add(20, 30)", want: "=> 50"}}},
	{"cgo needs a conversion", []step{{code: "// static int one() { return 1; }\nimport \"C\"\nx := C.one()\nint(x)", want: "=> 1"}, {code: "x", fail: "x (cell 1) has a type of C"}, {code: "// static int one() { return 1; }\nimport \"C\"\nx := int(C.one())\nx", want: "=> 1"}}},
	{"C output is captured", []step{{code: "/*\n#include <stdio.h>\nstatic void hi() { printf(\"from C\\n\"); fflush(stdout); }\n*/\nimport \"C\"\nC.hi()", want: "from C"}, {code: "out, _ := exec.Command(\"echo\", \"child\").Output()\nstring(out)", want: "child"}}},
	{"GoNB style", []step{{code: "import \"flag\"\nvar who = flag.String(\"who\", \"x\", \"\")\n%% --who=me\nfmt.Println(\"I am\", *who)", want: "I am me"}, {code: "func main() {\n\tfmt.Println(\"main runs\")\n}", want: "main runs"}, {code: "%%\nk := 5"}, {code: "k", want: "=> 5"}}},
	{"init functions", []step{{code: "v := 1\nfunc init_a() { fmt.Println(\"init runs\") }", want: "init runs"}, {code: "init_a()", want: "init runs"}, {code: "func init_a() { panic(1) }", fail: "in init_a"}}},
	{"init functions that call each other", []step{{code: "func init_a() { fmt.Print(\"a\"); if again { again = false; init_b() } }\nfunc init_b() { fmt.Print(\"b\"); init_a() }\nvar again = true\nfmt.Print(\".\")", want: "aba.", not: "abab"}, {code: "func init_c() { init_d() }\nfunc init_d() { init_e() }\nfunc init_e() { if again { init_c() }; fmt.Print(\"e\") }", want: "e", not: "ee"},
		{code: "func init_f() { if again { init_g() }; fmt.Print(\"f\") }\nfunc init_g() { init_f(); fmt.Print(\"g\") }\ninit_g()", want: "fg", not: "ff"}, {code: "func init_h() { init_i(); fmt.Print(\"h\") }\nfunc init_i() { if again { init_j() }; fmt.Print(\"i\") }\nfunc init_j() { init_i() }", want: "ih", not: "iih"},
		{code: "func init_k() { if again { init_l() }; fmt.Print(\"k\") }\nfunc init_l() { init_k() }\nfunc init() { init_l(); fmt.Print(\"!\") }\nfunc main() { fmt.Print(\"m\") }", want: "k!m", not: "kk"}, {code: "func init_n() { init_n2(); fmt.Print(\"n\") }\nfunc init_n2() { if again { init_n() } }\nfunc helper() { init_n() }\nfmt.Print(\".\")", want: ".", not: "n"}}},
	{"functions named like init that are none", []step{{code: "func init_db(path string) error { return errors.New(path) }\ninit_db(\"a\").Error()", want: "=> a"}, {code: "func init_w() { fmt.Print(\"w\") }\ninit_w()\nfmt.Println(\".\")", want: "w.\n", not: "ww"}, {code: "init_w()\ninit_db(\"b\").Error()", want: "w=> b"},
		{code: "func init_model(n int) int { return n }"}, {code: "init_model(3)", want: "=> 3"}, {code: "func init_g[T any](x T) T { return x }\ninit_g(4)", want: "=> 4"}, {code: "func init_once() { fmt.Print(\"once\") }\nvar once = sync.OnceFunc(init_once)\nonce()\nonce()", want: "once", not: "onceonce"}}},
	{"names of fields and methods like that of an init function, and one that calls itself", []step{
		{code: "type conf struct{ init_kv string }\nfunc (c conf) init_m() string { return c.init_kv }\ncfg := conf{}"}, {code: "func init_kv() { fmt.Println(\"opened\") }\nfmt.Println(cfg.init_kv)", want: "opened\n"},
		{code: "func init_kv() { fmt.Println(\"literal\") }\ncfg = conf{init_kv: \"x\"}", want: "literal\n"}, {code: "func init_m() { fmt.Println(\"method\") }\nfunc (c *conf) init_p() {}\ncfg.init_m()", want: "method\n"},
		{code: "type U struct{}\nfunc (u U) init_u() {}\nfunc init_u() { fmt.Println(\"own\") }", want: "own\n"}, {code: "left := 1\nfunc init_n() { if left > 0 { left--; init_n() }; fmt.Print(\"n\") }", want: "nn"}}},
	{"init and main with parameters, results or type parameters", []step{{code: "func init(x int) {}", fail: "line 1, column 6: func init must have no arguments and no return values"}, {code: "func init() int { return 1 }", fail: "must have no arguments and no return values"}, {code: "x := 1\nfunc init[T any]() {}", fail: "line 2, column 11: func init must have no type parameters"},
		{code: "func main(args []string) {}", fail: "line 1, column 6: func main must have no arguments and no return values"}, {code: "func main() error { return nil }", fail: "must have no arguments and no return values"}, {code: "func main[T any]() {}", fail: "func main must have no type parameters"}, {code: "type T struct{}\nfunc (T) main() int { return 4 }\nfunc (T) init(x int) int { return x }\nT{}.main(), T{}.init(5)", want: "=> 4, 5"}}},
	{"variables in dependency order", []step{{code: "var a = b + 1\nvar b = f()\nfunc f() int { return c * 2 }\nvar c = 4\na", want: "=> 9"}}},
	{"shell and environment", []step{{code: "!echo from the shell", want: "from the shell"}, {code: "%env GREETING hi there\nos.Getenv(\"GREETING\")", want: "=> hi there"}, {code: "!echo $GREETING", want: "hi there"}, {code: "!*ls", want: "go.mod"}, {code: "!exit 3", fail: "exit status 3"}}},
	{"cd and files", []step{{code: "%%writefile note.txt\nwritten"}, {code: "b, err := os.ReadFile(\"note.txt\")\nstring(b)", want: "written"}, {code: "!mkdir -p sub\n%cd sub", want: "sub"}, {code: "d, _ := os.Getwd()\nfilepath.Base(d)", want: "=> sub"}, {code: "%cd .."}}},
	{"other magic", []step{{code: "%whoo", fail: "did you mean %who"}, {code: "%goflags -race", want: "GoNB"}, {code: "%%bash\necho $((1+2))", want: "3"}, {code: "%help", want: "%rerun"}}},
	{"who and rm", []step{{code: "x := make([]byte, 1<<20)\nfunc f() int { return len(x) }"}, {code: "%who", want: "1024.0 KiB"}, {code: "%rm x"}, {code: "f()", fail: "was removed"}}},
	{"examples are tests", []step{{code: "%test\nfunc ExampleAdd() {\n\tfmt.Println(3)\n\t// Output: 4\n}", want: "--- FAIL: ExampleAdd", fail: "tests failed"}, {code: "%test\nfunc TestA(t *testing.T) {}\nfunc ExampleB() {\n\tfmt.Println(2)\n\tfmt.Println(1)\n\t// Unordered output:\n\t// 1\n\t// 2\n}", want: "--- PASS: ExampleB"}, {code: "%test -run C\nfunc ExampleC() {\n\t// Output:\n}\nfunc ExampleCNone() { panic(1) }", want: "--- PASS: ExampleC", not: "CNone"}}},
	{"tests of earlier cells", []step{{code: "%test", fail: "%test: finds no Test, Benchmark, Fuzz or Example function in this cell, nor in earlier ones"}, {code: "func add(a, b int) int { return a }\nfunc TestAdd(t *testing.T) { if add(1, 1) != 2 { t.Fatal(\"not two\") } }\nfunc Testify(t *testing.T) {}"}, {code: "%test", want: "not two", fail: "tests failed"}, {code: "%test -run Other", want: "no tests to run"}, {code: "%test -run TestAdd\nfunc add(a, b int) int { return a + b }", want: "--- PASS: TestAdd", not: "Testify"}, {code: "func ExampleAdd() {\n\tfmt.Println(add(1, 2))\n\t// Output: 3\n}"}, {code: "%test -run Example", want: "--- PASS: ExampleAdd", not: "TestAdd"}, {code: "%test\nfunc TestOwn(t *testing.T) {}", want: "TestOwn", not: "TestAdd"}}},
	{"test", []step{{code: "%test\nfunc TestOne(t *testing.T) { t.Log(\"in the test\") }", want: "PASS: TestOne"}, {code: "%test\nfunc TestTwo(t *testing.T) { t.Fatal(\"bad\") }", fail: "tests failed"}}},
	{"standard input", []step{{code: "var name string\nfmt.Scanln(&name)\nname", input: []string{"Ada"}, want: "=> Ada"}, {code: "sc := bufio.NewScanner(os.Stdin)\nsc.Scan()\nsc.Text()", input: []string{"a line"}, want: "=> a line"}, {code: "_, err := fmt.Scanln(&name)\nerr", want: "EOF"}, {code: "fmt.Scanln(&name)\nname", input: []string{"Bob"}, want: "=> Bob"}}},
	{"what is shown and what is printed in the order of the calls", []step{{code: "log.SetFlags(0)"}, {code: "for i := range 40 {\n\tfmt.Print(\"a\", i)\n\tgonbui.UpdateHTML(fmt.Sprint(\"p\", i), \"x\")\n\tlog.Print(\"b\", i)\n\tgonbui.UpdateHTML(fmt.Sprint(\"q\", i), \"x\")\n\tgonbui.UpdateHTML(fmt.Sprint(\"p\", i), strings.Repeat(\"y\", 9000))\n\tfmt.Println(\"c\")\n}", want: shownInOrder(40)}}},
	{"gonbui", []step{{code: "gonbui.DisplayHTML(\"<b>x</b>\")\nfmt.Println(gonbui.IsNotebook)", want: "true"}, {code: "fmt.Println(\"one\")\ngonbui.UpdateHTML(\"id1\", \"a\")\ngonbui.UpdateHTML(\"id1\", \"b\")\ngonbui.Sync()", want: "one\n<display id1 false><display id1 true>"}, {code: "gonbui.RequestInput(\"who? \", false)\nvar w string\nfmt.Scan(&w)\nw", input: []string{"me"}, want: "=> me"}}},
	{"output is limited", []step{{code: "for i := 0; i < 300000; i++ { fmt.Println(\"line\", i) }", want: "line 299999", not: "line 200000\n"}}},
	{"a type that can't be named", []step{{code: "x := flag.CommandLine.Output()\nx != nil", want: "=> true"}, {code: "y := reflect.ValueOf(1).Type()\ny", want: "=> int"}}},
	{"anonymous structs across cells", []step{{code: "p := struct{ a, B int }{1, 2}"}, {code: "p.a + p.B", want: "=> 3"}, {code: "q := struct{ a, B int }{3, 4}\np = q\np.a", want: "=> 3"}}},
	{"channels, arrays, functions as types", []step{{code: "c := make(chan<- func(int, ...string) (int, error), 1)\na := [3]map[string][]*int{}\nvar f func(x, y int) int = func(x, y int) int { return x * y }"}, {code: "len(a) + f(2, 3) + cap(c)", want: "=> 10"}}},
	{"functions over a variable that the cell did not reach", []step{{code: "box := 3\ny := \"old\""},
		{code: "if box == 3 { return }\ny := 5\nfunc useY() int { return y }", want: "useY uses y, which the cell did not reach: there it is zero until the cell runs to its end"},
		{code: "y", want: "=> old"}, {code: "box = 4\nif box == 3 { return }\ny := 5\nfunc useY() int { return y }", not: "did not reach"}, {code: "useY() + y", want: "=> 10"}}},
	{"goto over a declaration", []step{{code: "r := \"old\""}, {code: "q := 5\nif q == 5 { goto done }\nr := 6\ndone:\nfmt.Println(q)", want: "5"},
		{code: "r", want: "=> old"}, {code: "q", want: "=> 5"}, {code: "i := 0\nagain:\ni++\nif i < 3 { goto again }\nlast := i * 10"}, {code: "last + i", want: "=> 33"}}},
	{"return and defer at top level", []step{{code: "defer fmt.Println(\"deferred\")\nfmt.Println(\"first\")\nif true {\n\treturn\n}\nfmt.Println(\"never\")", want: "first\ndeferred", not: "never"}}},
	{"labels", []step{{code: "outer:\nfor i := range 3 {\n\tfor {\n\t\tif i == 1 {\n\t\t\tbreak outer\n\t\t}\n\t\tcontinue outer\n\t}\n}\n1", want: "=> 1"}}},
	{"handlers of a cell that runs again", []step{{code: "import \"net/http/httptest\"\nget := func(path string) string { w := httptest.NewRecorder(); http.DefaultServeMux.ServeHTTP(w, httptest.NewRequest(\"GET\", path, nil)); return w.Body.String() }"}, {code: "type page string\nfunc (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, string(p)) }\nhttp.HandleFunc(\"/a\", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, \"one\") })\nhttp.Handle(\"/b\", page(\"first\"))\nget(\"/a\") + get(\"/b\")", want: "=> onefirst"},
		{code: "http.HandleFunc(\"/a\", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, \"two\") })\nhttp.Handle(\"/b\", page(\"second\"))\nget(\"/a\") + get(\"/b\")", want: "=> twosecond"}, {code: "http.Handle(\"/c\", page(\"x\"))\nhttp.Handle(\"/c\", page(\"y\"))", fail: "conflicts with pattern"}, {code: "http.Handle(\"/d\", nil)", fail: "nil handler"}, {code: "http.HandleFunc(\"/e\", nil)", fail: "nil handler"},
		{code: "http.DefaultServeMux = http.NewServeMux()\nhttp.HandleFunc(\"/a\", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, \"three\") })\nhttp.Handle(\"/b\", page(\"third\"))\nget(\"/a\") + get(\"/b\")", want: "=> threethird"}}},
	{"a program on one line", []step{{code: "package main; func main() { fmt.Println(\"x\") }", want: "x\n"}, {code: "package main; import \"os\"; var n = len(os.Args); func main() { fmt.Println(n > 0) };", want: "true\n"}, {code: "package main ; n = 7; n", want: "=> 7"}}},
	{"places in messages are those of the cell", []step{{code: "type S struct{}\nfunc (s S) y() {}\nfunc (s *S) y() {}", fail: "method S.y already declared at cell 1, line 2"}, {code: "func f() {\n\tgoto end\n\tx := 1\n\tprint(x)\nend:\n}", fail: "jumps over variable declaration at line 3"}, {code: "{\n\tgoto end\n\tx := 1\n\tprint(x)\nend:\n}", fail: "jumps over variable declaration at line 3"}, {code: "type T struct {\n\ta int\n\ta int\n}", fail: "line 3, column 2: a redeclared"}}},
	{"several statements on a line", []step{{code: "a := 1; b := 2; type T int; func f(t T) int { return int(t) }; f(T(a + b))", want: "=> 3"}}},
	{"method values and expressions", []step{{code: "type T struct{ n int }\nfunc (t T) add(k int) int { return t.n + k }\nf := T{1}.add\ng := T.add"}, {code: "f(1) + g(T{10}, 1)", want: "=> 13"}}},
	{"init runs when all variables are set", []step{
		{code: "fmt.Println(\"first\")\nv := 1\nfunc init() { fmt.Println(\"init sees\", v, w) }\nvar w = v + 1\nfmt.Println(\"after\")", want: "first\ninit sees 1 2\nafter\n"},
		{code: "func init_a() { fmt.Println(\"only init\") }\nfmt.Println(\"then\")", want: "only init\nthen\n"}}},
	{"main runs once", []step{{code: "func main() { fmt.Println(\"main runs\") }\nmain()", want: "main runs\n", not: "main runs\nmain runs"}, {code: "main()", want: "main runs\n"}}},
	{"a whole program", []step{{code: "// A program.\npackage main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n)\n\nvar n = 3\n\nfunc init() { n++ }\n\nfunc main() {\n\tfmt.Fprintln(os.Stdout, \"n is\", n)\n}\n", want: "n is 4\n"}, {code: "n", want: "=> 4"}}},
	{"a variable named like the package that makes it", []step{
		{code: "s := \"http://a/b\""}, {code: "url, err := url.Parse(s)\nurl.Host", want: "=> a"}, {code: "url.Path, err", want: "=> /b, <nil>"}, {code: "url, err := url.Parse(s)\nurl.Host", want: "=> a"},
		{code: "import \"path/filepath\"\nfunc base(s string) string { return filepath.Base(s) }\nfilepath := filepath.Join(\"x\", \"y\")\nfilepath + base(\"/q/z\")", want: "=> x/yz"},
		{code: "var bytes = bytes.ToUpper([]byte(\"b\"))\nstring(bytes)", want: "=> B"}}},
	{"var x = x + 1", []step{{code: "x := 1"}, {code: "var x = x + 1\nx", want: "=> 2"}, {code: "var x = fmt.Sprint(x, \"!\")\nx", want: "=> 2!"}}},
	{"tagged unexported fields stay out of files", []step{{code: "type T struct {\n\tA int `json:\"a\" xml:\"a\"`\n\tb int `json:\"b\" xml:\"b\" yaml:\"b\"`\n}\nj, _ := json.Marshal(T{1, 2})\nx, _ := xml.Marshal(T{1, 2})\nstring(j) + string(x)", want: `=> {"a":1}<T><a>1</a></T>`}}},
	{"a program sees its own names", []step{
		{code: "type point struct{ x, y int; d time.Duration }\np := point{1, 2, time.Second}\nfmt.Printf(\"%v %+v %T\", p, p, []*point{&p})", want: "{1 2 1000000000} {x:1 y:2 d:1000000000} []*main.point"},
		{code: "len(fmt.Sprintf(\"%+v %T\", p, p))", want: "=> 33"}, {code: "f := reflect.TypeOf(p).Field(0)\nfmt.Sprint(f.Name, f.IsExported(), reflect.TypeOf(p).Name(), reflect.TypeOf(p))", want: "=> xfalsepointmain.point"},
		{code: "func (p point) sum() int { return p.x + p.y }\nfmt.Sprintf(\"%+v %d\", p, p.sum())", want: "=> {x:1 y:2 d:1000000000} 3"},
		{code: "type list[T any] struct{ items []T }\nfunc (l *list[T]) add(v T) { l.items = append(l.items, v) }\nvar l list[point]\nl.add(p)\nfmt.Sprintf(\"%+v %T\", l, l)", want: "=> {items:[{x:1 y:2 d:1000000000}]} main.list[main.point]"},
		{code: "anon := struct{ a, B int }{1, 2}\nlen(fmt.Sprintf(\"%+v\", anon))", want: "=> 9"}, {code: "anon.a", want: "=> 1"},
		{code: "os.WriteFile(\"names.txt\", fmt.Appendf(nil, \"%#v\", p), 0o644)"}, {code: "b, _ := os.ReadFile(\"names.txt\")\nstring(b) == \"main.point{x:1, y:2, d:1000000000}\"", want: "=> true"}}},
	{"packages of one name, found without an import", []step{
		{code: "func bold() bool { return color.New(color.Bold) != nil }\nbold()", want: "=> true"}, {code: "color.RGBA{R: 3}.R", want: "=> 3"}, {code: "bold(), color.New(color.FgRed) != nil", want: "=> true, true"},
		{code: "color.Nothing", fail: "undefined: color.Nothing"},
		{code: "import \"image/color\"\ncolor.Black.Y", want: "=> 0"}, {code: "color.New(1)", fail: "undefined: color.New"},
		{code: "rand.N(1)", want: "=> 0"}, {code: "runtime.FuncForPC(reflect.ValueOf(rand.Int).Pointer()).Name()", want: "=> math/rand/v2.Int"}, {code: "rand.Intn(1)", want: "=> 0"}}},
	{"an import that is not used", []step{{code: "import yaml2 \"strings\"\nimport \"os\"\n1", want: "=> 1"}}},
	{"flags of earlier cells", []step{{code: "n := flag.Int(\"n\", 1, \"\")"}, {code: "%args -n 7\nflag.Parse()\n*n", want: "=> 7"}, {code: "flag.Set(\"n\", \"9\")\n*n", want: "=> 9"}, {code: "flag.Lookup(\"n\") != nil", want: "=> true"}}},
	{"the command line of earlier cells", []step{{code: "n := flag.Int(\"n\", 1, \"\")\nflag.Parsed()", want: "=> false"}, {code: "flag.CommandLine.Lookup(\"n\").Usage == \"\"", want: "=> true"}, {code: "%args -n 7 a b\nflag.CommandLine.Parse(os.Args[1:])\n*n", want: "=> 7"}, {code: "flag.Args(), flag.NArg(), flag.Arg(1), flag.NFlag(), flag.Parsed()", want: "=> [a b], 2, b, 1, true"}, {code: "flag.Visit(func(f *flag.Flag) { fmt.Println(f.Name, f.Value) })", want: "n 7\n"},
		{code: "n := flag.CommandLine.Int(\"n\", 3, \"\")\n*n", want: "=> 3"}, {code: "flag.CommandLine.VisitAll(func(f *flag.Flag) { fmt.Println(f.Name, f.DefValue) })", want: "n 3\n"}, {code: "flag.CommandLine.Set(\"n\", \"8\")\n*n", want: "=> 8"}, {code: "func TestParsed(t *testing.T) { t.Log(flag.Parsed(), testing.Verbose()) }\n%test -v", want: "true true"}}},
	{"several values last", []step{{code: "a, b := 1, \"x\"\na, b", want: "=> 1, x"}, {code: "m := map[string]int{\"k\": 2}\nv, ok := m[\"k\"]\nv, ok", want: "=> 2, true"}, {code: "m[\"k\"], 1", want: "=> 2, 1"}, {code: "a,\n\tb", want: "=> 1, x"}, {code: "a, b;", not: "=>"},
		{code: "a, undefinedName", fail: "line 1, column 4: undefined: undefinedName"}, {code: "func(x int) int { return x }(3), [2]int{1, 2}", want: "=> 3, [1 2]"}, {code: "nil, 1.5, 'x'", want: "=> <nil>, 1.5, 120"}}},
	{"a benchmark after a test", []step{{code: "%test\nfunc TestA(t *testing.T) {}", want: "PASS: TestA"}, {code: "%test\nfunc BenchmarkB(b *testing.B) { for b.Loop() { } }", want: "BenchmarkB"}}},
	{"go:embed", []step{{code: "import _ \"embed\"\n//go:embed note.txt\nvar note string", fail: "line 2, column 1: //go:embed is not available in cells"}}},
	{"time", []step{{code: "%time\n1 + 1", want: "compile"}}},
}

// shownInOrder returns what a cell of the sequences shows.
func shownInOrder(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d<display p%d false>b%d\n<display q%d false><display p%d true>c\n", i, i, i, i, i)
	}
	return b.String()
}

func runSequences(t *testing.T, from, to int) {
	s := newSession(t)
	if err := s.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, seq := range sequences {
		if i < from || i >= to {
			continue
		}
		t.Run(seq.name, func(t *testing.T) {
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			for n, st := range seq.steps {
				out := &record{input: st.input}
				start := time.Now()
				err := s.Execute(t.Context(), &Cell{Code: st.code, Count: n + 1}, out)
				shown := out.String()
				if time.Since(start) > time.Minute {
					t.Logf("cell %d took %s", n+1, time.Since(start))
				}
				failure := ""
				if err != nil {
					failure = ansi.ReplaceAllString(err.Name+"\n"+err.Value+"\n"+strings.Join(err.Traceback, "\n")+"[end]", "")
				}
				switch {
				case st.fail == "" && err != nil:
					t.Fatalf("cell %d\n%s\nfailed: %s\nshown: %s", n+1, st.code, failure, shown)
				case st.fail != "" && err == nil:
					t.Fatalf("cell %d\n%s\nsucceeded, want the error %q; shown: %s", n+1, st.code, st.fail, shown)
				case !strings.Contains(failure, st.fail):
					t.Fatalf("cell %d\n%s\nfailed with\n%s\nwant %q", n+1, st.code, failure, st.fail)
				case !strings.Contains(shown, st.want):
					t.Fatalf("cell %d\n%s\nshowed\n%s\nwant %q", n+1, st.code, shown, st.want)
				case st.not != "" && strings.Contains(shown, st.not):
					t.Fatalf("cell %d\n%s\nshowed\n%s\nwhich contains %q", n+1, st.code, shown, st.not)
				}
			}
		})
	}
}

// TestSequences runs the first sequences; with -tags slow, all.
func TestSequences(t *testing.T) { runSequences(t, 0, sequencesByDefault) }
