//go:build linux

package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// program is a Go program in cells: its declarations are the first cell, its main function the others. As cells it must
// print what go run prints, byte for byte.
type program struct {
	name  string
	decls string
	cells []string
}

// printsAtInit reports whether a program prints before main, and so needs one of its own.
func (p program) printsAtInit() bool {
	return strings.Contains(p.decls, "func init()") || strings.Contains(p.decls, "fmt.Println(\"f\"") || strings.Contains(p.decls, "fmt.Println(\"load\"")
}

var programs = []program{
	{"values", "type T struct { a int; B string; c *int }", []string{"t := T{1, \"x\", nil}", `fmt.Printf("%v %+v %#v %T\n", t, t, t, t)`}},
	{"a type inside a generic function", "func boxed[X any](x X) any { type box struct{ v [2]X }; return box{[2]X{x, x}} }", []string{"fmt.Println(boxed(1) == boxed(1), boxed(1) == boxed(\"a\"))"}},
	{"nested structs", "type in struct{ x, y float64 }\ntype out struct { in; name string; list []in }", []string{"o := out{in{1, 2}, \"n\", []in{{3, 4}}}", `fmt.Printf("%v %+v %T %v\n", o, o, o.in, o.x)`}},
	{"durations in fields", "type job struct { took time.Duration; at time.Month }", []string{`fmt.Println(job{time.Second, time.May}, time.Second)`, `fmt.Printf("%+v\n", &job{1, 2})`}},
	{"maps are printed sorted", "", []string{`m := map[string][]int{"b": {2}, "a": {1, 1}, "c": nil}`, `fmt.Println(m, len(m))`, "delete(m, \"b\")\nfmt.Printf(\"%v %T\\n\", m, m)"}},
	{"maps of structs", "type key struct{ a, b int }", []string{`m := map[key]string{{2, 1}: "x", {1, 2}: "y"}`, `fmt.Printf("%v %+v %T\n", m, m, m)`}},
	{"defer order", "func f() {\n\tfor i := range 3 {\n\t\tdefer fmt.Println(\"deferred\", i)\n\t}\n\tfmt.Println(\"end of f\")\n}", []string{"f()"}},
	{"recover", "func try(f func()) { defer func() { fmt.Println(\"recovered:\", recover()) }(); f() }", []string{`try(func() { panic("text") })`, `try(func() { var m map[string]int; m["a"] = 1 })`, `try(func() { var p *struct{ a int }; p.a++ })`}},
	{"runtime errors", "func try(f func()) { defer func() { err := recover().(error); _, isRuntime := err.(runtime.Error); fmt.Println(err, isRuntime) }(); f() }", []string{`i := 5`, `try(func() { fmt.Println([]int{1, 2}[i]) })`, `try(func() { fmt.Println("abc"[1:][i]) })`, `try(func() { fmt.Println(1 / (i - 5)) })`, `try(func() { fmt.Println([]int{1}[i-5 : i]) })`, `try(func() { _ = make([]int, i-6) })`}},
	{"failed type assertions", "type shape interface{ area() int }\ntype square struct{ side int }\nfunc (s square) area() int { return s.side * s.side }\ntype other struct{}\nfunc try(f func()) { defer func() { fmt.Println(recover()) }(); f() }", []string{"var v any = square{2}", "fmt.Println(v.(shape).area())", "try(func() { fmt.Println(v.(string)) })", "try(func() { fmt.Println(v.(other)) })", "v = other{}\n_, ok := v.(shape)\nfmt.Println(ok)"}},
	{"generics", "type number interface{ ~int | ~float64 }\nfunc sum[T number](xs ...T) (t T) { for _, x := range xs { t += x }; return }\nfunc apply[T, U any](xs []T, f func(T) U) []U { var r []U; for _, x := range xs { r = append(r, f(x)) }; return r }", []string{"fmt.Println(sum(1, 2, 3), sum(1.5, 2))", `fmt.Printf("%q\n", apply([]int{1, 2}, func(i int) string { return fmt.Sprint(i * i) }))`}},
	{"generic types", "type stack[T any] struct{ items []T }\nfunc (s *stack[T]) push(v T) { s.items = append(s.items, v) }\nfunc (s *stack[T]) pop() (v T, ok bool) { if len(s.items) == 0 { return v, false }; v = s.items[len(s.items)-1]; s.items = s.items[:len(s.items)-1]; return v, true }", []string{"var s stack[string]\ns.push(\"a\")\ns.push(\"b\")", `fmt.Printf("%v %+v %T\n", s, s, s)`, "fmt.Println(s.pop())\nfmt.Println(s.pop())\nfmt.Println(s.pop())"}},
	{"generic constraint with a method", "type named interface{ name() string }\ntype cat struct{}\nfunc (cat) name() string { return \"cat\" }\nfunc all[T named](xs []T) (s []string) { for _, x := range xs { s = append(s, x.name()) }; return }", []string{"fmt.Println(all([]cat{{}, {}}))"}},
	{"a generic list", "type node[T any] struct { v T; next *node[T] }\ntype list[T any] struct{ head *node[T]; n int }\nfunc (l *list[T]) add(v T) { l.head = &node[T]{v, l.head}; l.n++ }\nfunc (l *list[T]) each(yield func(T) bool) { for n := l.head; n != nil; n = n.next { if !yield(n.v) { return } } }", []string{"l := &list[int]{}\nfor i := range 4 {\n\tl.add(i * i)\n}", "for v := range l.each {\n\tfmt.Print(v, \" \")\n}\nfmt.Println(l.n)"}},
	{"closures", "func counter() func() int { n := 0; return func() int { n++; return n } }", []string{"a, b := counter(), counter()", "fmt.Println(a(), a(), b())", "var fs []func() int\nfor i := range 3 {\n\tfs = append(fs, func() int { i *= 10; return i })\n}", "for _, f := range fs {\n\tfmt.Print(f(), f(), \" \")\n}\nfmt.Println()"}},
	{"closures over a cell's variable", "", []string{"x := 1", "f := func() { x *= 2 }", "f()\nf()\nfmt.Println(x)", "x = 100\nf()\nfmt.Println(x)"}},
	{"goroutines and a WaitGroup", "", []string{"var wg sync.WaitGroup\nvar mu sync.Mutex\ntotal := 0", "for i := range 50 {\n\twg.Add(1)\n\tgo func() { defer wg.Done(); mu.Lock(); defer mu.Unlock(); total += i }()\n}\nwg.Wait()\nfmt.Println(total)"}},
	{"a pipeline of channels", "func gen(n int) <-chan int { c := make(chan int); go func() { defer close(c); for i := range n { c <- i } }(); return c }\nfunc square(in <-chan int) <-chan int { out := make(chan int, 2); go func() { defer close(out); for v := range in { out <- v * v } }(); return out }", []string{"for v := range square(gen(5)) {\n\tfmt.Print(v, \" \")\n}\nfmt.Println()"}},
	{"select", "", []string{"c, done := make(chan int, 1), make(chan bool)", "select {\ncase v := <-c:\n\tfmt.Println(\"got\", v)\ndefault:\n\tfmt.Println(\"nothing\")\n}", "c <- 3\nselect {\ncase v, ok := <-c:\n\tfmt.Println(v, ok)\ncase <-done:\n}", "close(done)\n_, ok := <-done\nfmt.Println(ok)"}},
	{"select with a timeout", "", []string{"c := make(chan int)\nselect {\ncase <-c:\ncase <-time.After(time.Millisecond):\n\tfmt.Println(\"late\")\n}"}},
	{"context", "", []string{"ctx, cancel := context.WithCancelCause(context.Background())", "cancel(errors.New(\"enough\"))\n<-ctx.Done()\nfmt.Println(ctx.Err(), context.Cause(ctx))"}},
	{"sync.Once and atomics", "", []string{"var once sync.Once\nvar n atomic.Int64", "for range 3 {\n\tonce.Do(func() { n.Add(10) })\n\tn.Add(1)\n}\nfmt.Println(n.Load())"}},
	{"worker pool", "type result struct{ id, v int }", []string{"jobs, results := make(chan int, 10), make(chan result, 10)", "for range 3 {\n\tgo func() {\n\t\tfor j := range jobs {\n\t\t\tresults <- result{j, j * j}\n\t\t}\n\t}()\n}\nfor i := range 6 {\n\tjobs <- i\n}\nclose(jobs)", "var all []result\nfor range 6 {\n\tall = append(all, <-results)\n}\nslices.SortFunc(all, func(a, b result) int { return a.id - b.id })\nfmt.Println(all)"}},
	{"embedding", "type animal struct{ name string }\nfunc (a animal) who() string { return \"I am \" + a.name }\nfunc (a *animal) rename(n string) { a.name = n }\ntype dog struct { animal; age int }", []string{"d := dog{animal{\"Rex\"}, 3}", "fmt.Println(d.who(), d.name)", "d.rename(\"Max\")\nfmt.Printf(\"%+v %T\\n\", d, d.animal)"}},
	{"embedded interface", "type reader struct { io.Reader; n int }\nfunc (r *reader) Read(p []byte) (int, error) { n, err := r.Reader.Read(p); r.n += n; return n, err }", []string{"r := &reader{Reader: strings.NewReader(\"twelve bytes\")}", "io.ReadAll(r)\nfmt.Println(r.n)"}},
	{"embedded pointer", "type base struct{ id int }\ntype a struct{ *base }\ntype b struct { a; x int }", []string{"v := b{a{&base{7}}, 1}", "v.id++\nfmt.Println(v.id, v.base.id, v.x)"}},
	{"method values and expressions", "type T struct{ n int }\nfunc (t T) add(k int) int { return t.n + k }\nfunc (t *T) inc() { t.n++ }", []string{"t := T{1}\nf, g, h := t.add, T.add, (*T).inc", "h(&t)\nfmt.Println(f(1), g(t, 1), t)"}},
	{"numbers that look like pointers, in the registers of a function of reflect.MakeFunc", "type many func(a, b, c, d, e, f, g, h, i uintptr, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15 float64) int", []string{"kept := new([6]*int)\nu := uintptr(unsafe.Pointer(kept))&^8191 + 8192 - 232 // where no value is\nx := math.Float64frombits(uint64(u))", "f := reflect.MakeFunc(reflect.TypeFor[many](), func(args []reflect.Value) []reflect.Value { runtime.GC(); return []reflect.Value{reflect.ValueOf(len(args))} }).Interface().(many)", "fmt.Println(f(u, u, u, u, u, u, u, u, u, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x), kept[0] == nil)"}},
	{"a method on a type of before", "type celsius float64", []string{"c := celsius(36.6)", "fmt.Println(c)", "fmt.Printf(\"%v %.2f %T\\n\", c, c, c)"}},
	{"Stringer", "type level int\nconst (\n\tlow level = iota\n\thigh\n)\nfunc (l level) String() string { return [...]string{\"low\", \"high\"}[l] }\ntype box struct { l level; L level }", []string{"fmt.Println(low, high, []level{high})", "fmt.Printf(\"%v %d %s %+v\\n\", high, high, low, box{high, high})"}},
	{"errors", "type notFound struct{ name string }\nfunc (e *notFound) Error() string { return e.name + \" not found\" }\nvar base = errors.New(\"base\")", []string{"err := fmt.Errorf(\"open: %w\", &notFound{\"x\"})", "var nf *notFound\nfmt.Println(errors.As(err, &nf), nf.name, err)", "fmt.Println(errors.Is(fmt.Errorf(\"a: %w\", base), base), errors.Join(base, err))", "fmt.Printf(\"%T %v\\n\", errors.Unwrap(err), errors.Unwrap(base))"}},
	{"iota", "const (\n\t_ = 1 << (10 * iota)\n\tkb\n\tmb\n)\ntype day int\nconst (\n\tmon day = iota + 1\n\ttue\n\t_\n\tthu\n)", []string{"fmt.Println(kb, mb, mon, tue, thu)", "fmt.Printf(\"%T %T\\n\", kb, thu)"}},
	{"labels", "", []string{"outer:\nfor i := range 3 {\n\tfor j := range 3 {\n\t\tif j == 2 {\n\t\t\tcontinue outer\n\t\t}\n\t\tif i == 2 {\n\t\t\tbreak outer\n\t\t}\n\t\tfmt.Print(i, j, \" \")\n\t}\n}\nfmt.Println()"}},
	{"goto", "func f(n int) {\n\ti := 0\nagain:\n\tif i < n {\n\t\tfmt.Print(i)\n\t\ti++\n\t\tgoto again\n\t}\n\tfmt.Println()\n}", []string{"f(4)"}},
	{"switch", "func kind(v any) string {\n\tswitch x := v.(type) {\n\tcase nil:\n\t\treturn \"nil\"\n\tcase int, int64:\n\t\treturn fmt.Sprintf(\"int %v\", x)\n\tcase error:\n\t\treturn \"error \" + x.Error()\n\tcase []int:\n\t\treturn fmt.Sprint(\"slice \", len(x))\n\t}\n\treturn fmt.Sprintf(\"%T\", v)\n}", []string{"fmt.Println(kind(nil), kind(1), kind(int64(2)), kind(io.EOF), kind([]int{1}), kind(2.5))", "switch x := 5; {\ncase x > 3:\n\tfmt.Println(\"big\")\n\tfallthrough\ncase x > 10:\n\tfmt.Println(\"fell\")\ndefault:\n\tfmt.Println(\"no\")\n}"}},
	{"shadowing", "var x = 1\nfunc f() int { x := x + 10; { x := x * 2; _ = x }; return x }", []string{"fmt.Println(f(), x)", "if x := 5; x > 1 {\n\tx := \"inner\"\n\tfmt.Println(x)\n}\nfmt.Println(x)"}},
	{"order of initialisation", "var a = b + 1\nvar b = f(\"b\")\nvar c = f(\"c\")\nfunc f(s string) int { fmt.Println(\"f\", s); return len(s) + d }\nvar d = 3", []string{"fmt.Println(a, b, c, d)"}},
	{"what is ready first is set first", "var (\n\t_ = d\n\t_ = load(\"_\", c, b)\n\ta = load(\"a\")\n\tb = load(\"b\")\n\tc = load(\"c\")\n\td = load(\"d\")\n)\nfunc load(s string, _ ...int) int { fmt.Println(\"load\", s); return len(s) }", []string{"fmt.Println(a, b, c, d)"}},
	{"one declaration of several values", "var first, n, second = load(1), load(later), load(2)\nvar later = load(3)\nvar calls int\nfunc load(xs ...int) int { calls++; fmt.Println(\"load\", calls, xs); return calls }", []string{"fmt.Println(first, n, second, later, calls)"}},
	{"init functions", "var n = 1\nfunc init() { n += 10; fmt.Println(\"init one\", n) }\nfunc init() { n *= 2; fmt.Println(\"init two\", n) }", []string{"fmt.Println(n)"}},
	{"slices share memory", "", []string{"a := []int{1, 2, 3, 4}\nb := a[1:3]\nb = append(b, 99)", "fmt.Println(a, b, len(b), cap(b))", "c := append(a[:1:1], 7)\nfmt.Println(a, c)", "copy(a, a[1:])\nfmt.Println(a)"}},
	{"arrays are values", "", []string{"a := [3]int{1, 2, 3}\nb := a\nb[0] = 9", "p := &a\np[1] = 8\nfmt.Println(a, b, a == b, len(p))", "grid := [2][2]string{{\"a\"}, {\"\", \"b\"}}\nfmt.Printf(\"%q %v\\n\", grid, grid)"}},
	{"strings, bytes and runes", "", []string{"s := \"héllo, 世界\"", "for i, r := range s {\n\tfmt.Print(i, string(r), \" \")\n}\nfmt.Println(len(s), utf8.RuneCountInString(s))", "fmt.Println([]byte(s[:3]), []rune(s)[1], strings.ToUpper(s))", "fmt.Printf(\"%q %x %U\\n\", s, \"hi\", '世')"}},
	{"integers wrap around", "", []string{"var u uint8 = 250\nvar i int8 = 127", "u += 10\ni++\nfmt.Println(u, i, -7/2, -7%3, 1<<3|1, 6&^2)", "fmt.Println(math.MaxInt64, uint64(math.MaxUint64), int32(math.MinInt32))"}},
	{"floating point", "", []string{"fmt.Println(0.1+0.2, float32(0.1), 1e21, 1e20, 3.0, math.Inf(1), math.NaN(), -0.0)", "x := 0.1\nfmt.Println(x+0.2, x*3 == 0.3, 5/2, 5/2.0)", "fmt.Printf(\"%g %e %8.3f|%-8.2f|%+d\\n\", 1e6, 12345.678, math.Pi, math.E, 5)"}},
	{"complex numbers", "", []string{"c := complex(1, 2)\nfmt.Println(c*c, real(c), imag(c), cmplx.Abs(3+4i))"}},
	{"constants", "const big = 1 << 100\nconst f = big >> 98", []string{"fmt.Println(f, big/(1<<98), 'a'+1, \"a\"+\"b\")", "var x uint8 = 'a'\nfmt.Println(x, string(rune(x)))"}},
	{"printing", "type point struct{ X, Y int }", []string{"p := &point{1, 2}\nfmt.Printf(\"%v %+v %d %5d|%-5s|%05d|%x|%t|%c|%q\\n\", p, *p, p.X, 42, \"ab\", 42, 255, true, 'x', \"q\\\"\")", "fmt.Printf(\"%!|%d %s\\n\", \"text\", 5)", "fmt.Printf(\"%[2]d %[1]d %v %T\\n\", 1, 2, nil, nil)", "fmt.Println(nil, []int(nil), map[string]int(nil), error(nil), struct{}{})"}},
	{"print and println of pointers' targets", "type tree struct { left, right *tree; v int }\nfunc (t *tree) sum() int { if t == nil { return 0 }; return t.v + t.left.sum() + t.right.sum() }", []string{"t := &tree{&tree{nil, nil, 1}, &tree{v: 2}, 3}", "fmt.Println(t.sum(), t.left.v, *t.right)"}},
	{"functions with several results", "func divmod(a, b int) (q, r int, err error) {\n\tdefer func() {\n\t\tif e := recover(); e != nil {\n\t\t\terr = fmt.Errorf(\"caught: %v\", e)\n\t\t}\n\t}()\n\tq, r = a/b, a%b\n\treturn\n}", []string{"fmt.Println(divmod(7, 2))", "fmt.Println(divmod(7, 0))"}},
	{"variadic functions", "func join(sep string, xs ...any) string { var s []string; for _, x := range xs { s = append(s, fmt.Sprint(x)) }; return strings.Join(s, sep) }", []string{"fmt.Println(join(\"-\", 1, \"b\", 2.5), join(\",\"), join(\"+\", []any{1, 2}...))"}},
	{"iterators", "func pairs(n int) iter.Seq2[int, string] { return func(yield func(int, string) bool) { for i := range n { if !yield(i, strings.Repeat(\"x\", i)) { return } } } }", []string{"for i, s := range pairs(10) {\n\tif i == 3 {\n\t\tbreak\n\t}\n\tfmt.Print(i, s, \" \")\n}\nfmt.Println()", "fmt.Println(slices.Sorted(maps.Keys(map[string]int{\"b\": 1, \"a\": 2})))"}},
	{"JSON", "type inner struct { Name string `json:\"name\"`; secret int; Opt *int `json:\"opt,omitempty\"` }\ntype outer struct { inner; Tags []string; when time.Time }", []string{"b, err := json.Marshal(outer{inner: inner{Name: \"n\", secret: 1}})\nfmt.Println(string(b), err)", "var o outer\nfmt.Println(json.Unmarshal([]byte(`{\"name\":\"m\",\"secret\":5,\"Tags\":[\"t\"]}`), &o), o.Name, o.secret, o.Tags)"}},
	{"JSON of tagged unexported fields", "type T struct { A int `json:\"a\"`; b int `json:\"b\"` }", []string{"b, err := json.Marshal([]T{{1, 2}})\nfmt.Println(string(b), err)", "x, err := xml.Marshal(T{3, 4})\nfmt.Println(string(x), err)"}},
	{"gob", "type rec struct { A int; B string; c int }", []string{"var buf bytes.Buffer\nfmt.Println(gob.NewEncoder(&buf).Encode(rec{1, \"x\", 9}))", "var r rec\nfmt.Println(gob.NewDecoder(&buf).Decode(&r), r)"}},
	{"templates see exported fields only", "type page struct { Title string; hidden int }", []string{"t := template.Must(template.New(\"t\").Parse(\"{{.Title}} {{len .Title}}\\n\"))\nfmt.Println(t.Execute(os.Stdout, page{\"Home\", 1}))", "err := template.Must(template.New(\"u\").Parse(\"{{.hidden}}\")).Execute(io.Discard, page{})\nfmt.Println(err)"}},
	{"reflect", "type T struct { A int `k:\"v\"`; b string }\nfunc (T) Public() {}\nfunc (T) private() {}", []string{"t := reflect.TypeOf(T{})\nfor i := range t.NumField() {\n\tf := t.Field(i)\n\tfmt.Println(f.Name, f.Type, f.Tag.Get(\"k\"), f.IsExported())\n}", "fmt.Println(t, t.Name(), t.Kind(), reflect.ValueOf(T{1, \"x\"}).Field(1), reflect.DeepEqual(T{1, \"a\"}, T{1, \"a\"}))"}},
	{"types print as main.T", "type item struct{ n int }\ntype items []item\ntype fn func(item) *item\ntype shape interface{ Area() float64 }", []string{"fmt.Printf(\"%T %T %T %T\\n\", items{}, []item{}, map[string]*item{}, fn(nil))", "fmt.Printf(\"%#v %T %T\\n\", items{{1}}, [2]item{}, struct{ A item }{})", "fmt.Println(reflect.TypeFor[shape](), reflect.TypeFor[chan<- item]())"}},
	{"types of functions", "func outer() any { type inner struct{ a, B int }; return inner{1, 2} }", []string{"v := outer()\nfmt.Printf(\"%v %+v %T\\n\", v, v, v)"}},
	{"anonymous structs", "", []string{"points := []struct{ X, Y int }{{1, 2}, {3, 4}}\nfmt.Printf(\"%v %+v\\n\", points, points)", "for _, tc := range []struct {\n\tname string\n\twant int\n}{{\"a\", 1}, {\"b\", 2}} {\n\tfmt.Printf(\"%v %+v \", tc, tc)\n}\nfmt.Println()"}},
	{"comparing", "type k struct { a any; b [2]int }\nfunc try(f func()) { defer func() { fmt.Println(recover()) }(); f() }", []string{"fmt.Println(k{1, [2]int{}} == k{1, [2]int{}}, k{a: 1} == k{a: \"1\"}, any(1) == any(1.0))", "try(func() { fmt.Println(k{a: []int{}} == k{a: []int{}}) })"}},
	{"sorting", "type person struct { name string; age int }\ntype byAge []person\nfunc (p byAge) Len() int { return len(p) }\nfunc (p byAge) Less(i, j int) bool { return p[i].age < p[j].age }\nfunc (p byAge) Swap(i, j int) { p[i], p[j] = p[j], p[i] }", []string{"ps := []person{{\"A\", 30}, {\"B\", 20}, {\"C\", 25}}", "sort.Sort(byAge(ps))\nfmt.Println(ps)", "slices.SortFunc(ps, func(a, b person) int { return cmp.Compare(b.name, a.name) })\nfmt.Println(ps, slices.IndexFunc(ps, func(p person) bool { return p.age == 20 }))"}},
	{"a heap", "type ints []int\nfunc (h ints) Len() int { return len(h) }\nfunc (h ints) Less(i, j int) bool { return h[i] < h[j] }\nfunc (h ints) Swap(i, j int) { h[i], h[j] = h[j], h[i] }\nfunc (h *ints) Push(x any) { *h = append(*h, x.(int)) }\nfunc (h *ints) Pop() any { o := *h; v := o[len(o)-1]; *h = o[:len(o)-1]; return v }", []string{"h := &ints{5, 2, 8}\nheap.Init(h)\nheap.Push(h, 1)", "for h.Len() > 0 {\n\tfmt.Print(heap.Pop(h), \" \")\n}\nfmt.Println()"}},
	{"bufio and readers", "", []string{"sc := bufio.NewScanner(strings.NewReader(\"one two\\nthree\"))\nsc.Split(bufio.ScanWords)\nfor sc.Scan() {\n\tfmt.Print(sc.Text(), \";\")\n}\nfmt.Println()", "var b strings.Builder\nfmt.Fprintf(&b, \"%03d\", 7)\nfmt.Println(b.String(), b.Len())"}},
	{"time", "", []string{"t := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)\nfmt.Println(t, t.AddDate(1, 0, 0).Format(time.RFC1123), t.Weekday(), t.YearDay())", "fmt.Println(90*time.Minute, time.Duration(1500)*time.Microsecond)"}},
	{"random numbers with a seed", "", []string{"r := rand.New(rand.NewPCG(1, 2))\nfmt.Println(r.IntN(100), r.IntN(100), r.Float64(), r.Perm(5))"}},
	{"hashes and text encodings", "", []string{"fmt.Printf(\"%x\\n\", sha256.Sum256([]byte(\"go\")))", "fmt.Println(hex.EncodeToString([]byte(\"go\")), base64.StdEncoding.EncodeToString([]byte(\"go\")))"}},
	{"regular expressions", "", []string{"re := regexp.MustCompile(`(\\w+)@(\\w+)\\.com`)\nfmt.Println(re.FindStringSubmatch(\"to bob@site.com now\"), re.ReplaceAllString(\"a@b.com\", \"$2:$1\"))"}},
	{"a panic with a struct", "type failure struct { Code int; why string }\nfunc try(f func()) { defer func() { v := recover(); fmt.Printf(\"%v %+v %T\\n\", v, v, v) }(); f() }", []string{"try(func() { panic(failure{3, \"because\"}) })", "try(func() { panic(fmt.Errorf(\"wrapped: %w\", io.EOF)) })"}},
	{"nested panics", "func f() {\n\tdefer func() { fmt.Println(\"outer\", recover()) }()\n\tdefer func() { panic(fmt.Sprint(\"second after \", recover())) }()\n\tpanic(\"first\")\n}", []string{"f()"}},
}

// programsByDefault are those that run without -tags slow.
const programsByDefault = 6

var packagePrefix = regexp.MustCompile(`\bp[0-9]{2,3}\.`)

// asGo runs the programs as go run would, all in one binary, and returns what each prints.
func asGo(t *testing.T, cfg Config, progs []program) map[string]string {
	dir := t.TempDir()
	files := map[string]string{"go.mod": "module asgo\n\ngo 1.26\n"}
	var imports, calls strings.Builder
	for i, p := range progs {
		text := p.decls + "\nfunc Main() {\n" + strings.Join(p.cells, "\n") + "\n}\n"
		head := fmt.Sprintf("package p%02d\n\n", i)
		for path, name := range standard {
			if regexp.MustCompile(`\b` + name + `\.`).MatchString(text) {
				head += fmt.Sprintf("import %q\n", path)
			}
		}
		files[fmt.Sprintf("p%02d/p.go", i)] = head + text
		if p.printsAtInit() {
			files[fmt.Sprintf("own%d/main.go", i)] = fmt.Sprintf("package main\n\nimport \"asgo/p%02d\"\n\nfunc main() { p%02d.Main() }\n", i, i)
			continue
		}
		fmt.Fprintf(&imports, "import \"asgo/p%02d\"\n", i)
		fmt.Fprintf(&calls, "\tif os.Args[1] == \"%d\" { p%02d.Main() }\n", i, i)
	}
	files["all/main.go"] = "package main\n\nimport \"os\"\n" + imports.String() + "\nfunc main() {\n" + calls.String() + "}\n"
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command(cfg.Go, "build", "-o", "bin/", "./...")
	build.Dir, build.Env = dir, append(cfg.Env, "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	printed := map[string]string{}
	for i, p := range progs {
		var out bytes.Buffer
		name := "all"
		if p.printsAtInit() {
			name = fmt.Sprintf("own%d", i)
		}
		cmd := exec.Command(filepath.Join(dir, "bin", name), fmt.Sprint(i))
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v\n%s", p.name, err, out.String())
		}
		text := packagePrefix.ReplaceAllString(out.String(), "main.")
		printed[p.name] = regexp.MustCompile(`asgo/main\.`).ReplaceAllString(text, "main.")
	}
	return printed
}

// standard are the packages that the programs use.
var standard = map[string]string{"fmt": "fmt", "time": "time", "runtime": "runtime", "sync": "sync", "sync/atomic": "atomic", "context": "context", "errors": "errors",
	"slices": "slices", "io": "io", "strings": "strings", "unicode/utf8": "utf8", "math": "math", "math/cmplx": "cmplx", "iter": "iter", "maps": "maps", "encoding/json": "json",
	"encoding/xml": "xml", "encoding/gob": "gob", "bytes": "bytes", "text/template": "template", "os": "os", "reflect": "reflect", "cmp": "cmp", "sort": "sort",
	"container/heap": "heap", "bufio": "bufio", "math/rand/v2": "rand", "crypto/sha256": "sha256", "encoding/hex": "hex", "encoding/base64": "base64", "regexp": "regexp",
	"strconv": "strconv", "unicode": "unicode", "unsafe": "unsafe", "log": "log", "log/slog": "slog", "math/big": "big", "math/bits": "bits", "text/tabwriter": "tabwriter", "encoding/csv": "csv",
	"encoding/binary": "binary", "path/filepath": "filepath", "path": "path", "io/fs": "fs", "container/list": "list", "net/url": "url", "hash/fnv": "fnv", "hash/crc32": "crc32", "html": "html"}

// TestAsGo runs programs as cells and as a Go program; with -tags slow, all of them.
func TestAsGo(t *testing.T) {
	progs := programs
	if sequencesByDefault < len(sequences) {
		progs = progs[:programsByDefault]
	}
	s := newSession(t)
	if err := s.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := asGo(t, s.cfg, progs)
	for _, p := range progs {
		t.Run(p.name, func(t *testing.T) {
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			out := &record{}
			for n, code := range append([]string{p.decls}, p.cells...) {
				if strings.Contains(code, "template.") { // not the one for HTML
					code = "import \"text/template\"\n" + code
				}
				if err := s.Execute(t.Context(), &Cell{Code: code, Count: n + 1}, out); err != nil {
					t.Fatalf("cell %d\n%s\nfailed: %s\n%s", n+1, code, err.Value, strings.Join(err.Traceback, "\n"))
				}
			}
			if got := out.String(); got != want[p.name] {
				g, _ := json.Marshal(got)
				w, _ := json.Marshal(want[p.name])
				t.Errorf("as cells:  %s\nas go run: %s", g, w)
			}
		})
	}
}
