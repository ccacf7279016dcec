//go:build linux && slow

package session

func init() { foreign = append(foreign, freshForeign...) }

// freshForeign are sequences of TestForeign about input from elsewhere, generic types and files.
var freshForeign = []struct {
	name  string
	steps []step
}{
	{"standard input by its path", []step{{code: "f, _ := os.Open(\"/dev/stdin\")\nsc := bufio.NewScanner(f)\nsc.Scan()\nsc.Text()", input: []string{"by path"}, want: "=> by path"}, {code: "f.Close()\nb, err := os.ReadFile(\"/dev/stdin\")\nstring(b), err", input: []string{"one", "two"}, want: "=> one\ntwo\n, <nil>"},
		{code: "c := exec.Command(\"head\", \"-1\", \"/dev/stdin\")\nc.Stdin = os.Stdin\nout, err := c.Output()\nstring(out), err", input: []string{"to a child"}, want: "=> to a child\n, <nil>"}, {code: "var k int\nfmt.Scan(&k)\nk", input: []string{"5"}, want: "=> 5"}}},
	{"methods of instances", []step{{code: "type Stack[T any] struct{ items []T }\nfunc (s *Stack[T]) Push(v T) { s.items = append(s.items, v) }\nfunc (s Stack[T]) len() int { return len(s.items) }\nfunc New[T any]() *Stack[T] { return &Stack[T]{} }\nfunc Hidden[T any](v T) any { return New[[]T]() }"},
		{code: "s := New[int]()\nreflect.TypeOf(s).NumMethod(), reflect.TypeOf(*s).NumMethod(), reflect.TypeOf(Hidden(3)).NumMethod(), reflect.TypeOf(Hidden(3)).Elem().Field(0).Name", want: "=> 1, 0, 1, items"},
		{code: "type lener interface{ len() int }\nvar l lener = s\ns.Push(4)\nl.len()", want: "=> 1"}}},
	{"instances in JSON", []step{{code: "type Pair[K comparable, V any] struct { k K; v V; Tag string `json:\"t\"` }\nfunc MkPair[K comparable, V any](k K, v V) Pair[K, V] { return Pair[K, V]{k: k, v: v} }"},
		{code: "func local() { type loc struct{ n int }; p := MkPair(\"a\", loc{3}); b, _ := json.Marshal(p); fmt.Printf(\"%s %+v %d\\n\", b, p, reflect.TypeOf(p).NumField()) }\nlocal()", want: "{\"t\":\"\"} {k:a v:{n:3} Tag:} 3"}, {code: "b, _ := json.Marshal([]Pair[string, []int]{MkPair(\"x\", []int{1})})\nstring(b)", want: "=> [{\"t\":\"\"}]"}}},
	{"gob has the names that the cell has", []step{{code: "type Shape interface{ Area() float64 }\ntype Sq struct{ S float64 }\nfunc (s Sq) Area() float64 { return s.S * s.S }\ngob.Register(Sq{})\nvar b bytes.Buffer\nvar sh Shape = Sq{2}\ngob.NewEncoder(&b).Encode(&sh)"},
		{code: "strings.Contains(b.String(), \"main.Sq\"), strings.Contains(b.String(), \"nb/\")", want: "=> true, false"}, {code: "var back Shape\ngob.NewDecoder(&b).Decode(&back)"}, {code: "back", want: "=> {S:2}"}, {code: "type Sq struct{ S, T float64 }\ngob.Register(Sq{})"}}},
	{"GoNB's folder follows the cell", []step{{code: "os.Mkdir(\"sub\", 0o777)\nos.Chdir(\"sub\")"}, {code: "filepath.Base(os.Getenv(\"GONB_DIR\"))", want: "=> sub"}, {code: "os.Setenv(\"GONB_DIR\", \"mine\")\nos.Chdir(\"..\")"}, {code: "os.Getenv(\"GONB_DIR\")", want: "=> mine"}}},
	{"magics of IPython", []step{{code: "%precision 3\n%debug\n%autosave 60\n%prun f()\n%pushd /tmp\n1", want: "=> 1"}, {code: "%vet", fail: "unknown magic", not: "did you mean"}, {code: "%envv", fail: "did you mean %env?"}, {code: "%run x.go", fail: "!go run x.go"},
		{code: "%pinfo strings.ToUpper", want: "upper case"}, {code: "!!echo twice", want: "twice"}, {code: "%sx echo sys", want: "sys"}, {code: "files := !ls /tmp", fail: "exec.Command"}, {code: "done := !finished", fail: "undefined: finished", not: "exec.Command"}}},
	{"files and folders as IPython's magics have them", []step{{code: "%%writefile \"a b\".txt\nhi"}, {code: "%cat \"a b.txt\"", want: "hi"}, {code: "%mkdir -p d/e"}, {code: "%ls d", want: "e"}, {code: "x := 1"}, {code: "%ls", want: "var"}}},
	{"ranges of cells", []step{{code: "a := 1"}, {code: "b := 2"}, {code: "c := 3"}, {code: "%history -n 1-2", want: "[2] b := 2", not: "c := 3"}, {code: "%rerun 2-3"}, {code: "%rerun 8-9", fail: "no cell 8-9"}}},
	{"%%capture with IPython's options", []step{{code: "%%capture --no-stderr\nfmt.Println(\"quiet\")\nfmt.Fprintln(os.Stderr, \"loud\")", want: "loud", not: "quiet"}}},
	{"hints for what other languages have", []step{{code: "model := tlkit.Load(\"resnet18\")", fail: "x, err := tlkit.Load(...)"}, {code: "x: int = 5", fail: "x := value"}, {code: "func add(a, b) { return a + b }", fail: "func add(a, b int)"}, {code: "p, q = 1, 2", fail: "p, q := values"},
		{code: "var a [3]int = {1, 2, 3}", fail: "[]int{1, 2, 3}"}, {code: "1 === 1", fail: "equal is written =="}, {code: "1 <> 2", fail: "not equal is written !="}, {code: "range(10)", fail: "for i := range 10"}, {code: "new Foo()", fail: "&T{...}"}, {code: "int main() { return 0; }", fail: "func name(x int)"},
		{code: "async def f(): pass", fail: "func f(x int)"}, {code: "println!(\"x\")", fail: "fmt.Println(x)"}, {code: "a, b := 1, undefinedName", fail: "undefined: undefinedName", not: "new variables"}, {code: "throw new Error(\"x\")", fail: "errors.New"}}},
}
