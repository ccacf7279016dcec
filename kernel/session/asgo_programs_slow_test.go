//go:build linux && slow

package session

// More programs of TestAsGo, by what the language and its library let people write: each is one kind.
func init() { programs = append(programs, morePrograms...) }

var morePrograms = []program{
	{"constraints", `
type number interface{ ~int | ~int64 | ~float64 }
type meters float64
type setter[T any] interface { *T; set(string) }
type conf struct{ v string }
func (c *conf) set(s string) { c.v = s }
func largest[T number](first T, rest ...T) T { for _, x := range rest { first = max(first, x) }; return first }
func build[T any, P setter[T]](s string) T { var t T; P(&t).set(s); return t }
func keys[M ~map[K]V, K cmp.Ordered, V any](m M) []K { return slices.Sorted(maps.Keys(m)) }
type ages map[string]int`, []string{
		`fmt.Println(largest(3, 9, 4), largest(meters(1.5), 0.5))
fmt.Printf("%T %v %+v\n", largest(meters(1)), build[conf]("x"), build[conf]("y"))`,
		`fmt.Println(keys(ages{"b": 1, "a": 2}))`}},
	{"generic types print their arguments", `
type pair[K comparable, V any] struct { key K; val V }
type point struct{ x, y int }
type option[T any] struct { v *T }
func some[T any](v T) option[T] { return option[T]{&v} }
func (o option[T]) or(d T) T { if o.v == nil { return d }; return *o.v }
type holder struct { pair[string, int]; n int }
type ring[T any] = []pair[int, T]`, []string{
		`p := pair[string, point]{"a", point{1, 2}}
fmt.Printf("%v %+v %T\n", p, p, p)`,
		`fmt.Printf("%#v\n", p)
fmt.Println(some(3).or(4), option[string]{}.or("none"))`,
		`h := holder{pair[string, int]{"k", 1}, 2}
fmt.Printf("%+v %T %s\n", h, h.pair, h.key)
var r ring[point]
fmt.Printf("%T %v\n", r, append(r, pair[int, point]{}))`}},
	{"range over functions", `
func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		defer fmt.Println("count ends")
		for i := range n { if !yield(i) { return } }
	}
}
func find(want int) (found int) {
	for i := range count(10) { if i == want { return i * 100 } }
	return -1
}`, []string{
		`outer:
for i := range count(3) {
	for j := range count(3) {
		if j == 1 { continue outer }
		if i == 2 { break outer }
		fmt.Println(i, j)
	}
}`,
		`fmt.Println(find(2), find(20))`,
		`for range count(1) { defer fmt.Println("deferred in a loop's body") }
fmt.Println("end")`}},
	{"iter.Pull", ``, []string{
		`next, stop := iter.Pull2(maps.All(map[string]int{"a": 1}))
k, v, ok := next()
fmt.Println(k, v, ok)
k, v, ok = next()
fmt.Printf("%q %d %t\n", k, v, ok)
stop()`,
		`for i, c := range slices.Backward([]string{"x", "y"}) { fmt.Print(i, c, " ") }
fmt.Println(slices.Collect(slices.Chunk([]int{1, 2, 3, 4, 5}, 2)))`}},
	{"closures over loop variables", ``, []string{
		`var prints []func()
for i := 0; i < 3; i++ {
	prints = append(prints, func() { fmt.Print(i, " "); i += 10 })
}`,
		`for _, p := range prints { p(); p() }
fmt.Println()`,
		`ps := map[int]*int{}
for i := range 3 { ps[i] = &i }
fmt.Println(*ps[0], *ps[1], *ps[2])`}},
	{"defer, recover and results", `
func named() (n int, err error) {
	defer func() { n *= 2 }()
	defer func() { if v := recover(); v != nil { err = fmt.Errorf("from %v", v) } }()
	n = 21
	panic("inside")
}
func order() {
	x := 1
	defer fmt.Println("argument", x)
	defer func() { fmt.Println("closure", x) }()
	x = 2
}
func again() (s string) {
	defer func() { s += fmt.Sprint(" then ", recover()) }()
	defer func() { s = fmt.Sprint("first ", recover()); panic("two") }()
	panic("one")
}`, []string{`fmt.Println(named())
order()`, `fmt.Println(again())`, `for i := range 3 { func() { defer fmt.Print("d", i, " "); fmt.Print("b", i, " ") }() }
fmt.Println()`}},
	{"labels, break, continue and goto", `
func parse(s string) (n int) {
loop:
	for i := 0; ; i++ {
		switch {
		case i >= len(s): break loop
		case s[i] == ' ': continue loop
		case s[i] == '!': goto done
		default: n++
		}
	}
	return n
done:
	return -n
}`, []string{`fmt.Println(parse("a b c"), parse("ab! c"))`, `c := make(chan int, 3)
c <- 1; c <- 2; close(c)
drain:
for {
	select {
	case v, open := <-c:
		if !open { break drain }
		fmt.Print(v, " ")
	}
}
fmt.Println("drained")`, `{
	i := 0
top:
	i++
	if i < 5 { goto top }
	fmt.Println(i)
}`}},
	{"promotion through embedded structs", `
type engine struct{ power int }
func (e engine) start() string { return fmt.Sprint("engine ", e.power) }
func (e *engine) tune(n int) { e.power += n }
type wheels struct{ n int }
func (wheels) start() string { return "never" }
type named struct{ name string }
func (n named) String() string { return "<" + n.name + ">" }
type car struct { engine; *wheels; named }
func (c car) start() string { return c.engine.start() + " of " + c.name }
type starter interface { start() string; tune(int) }
type deep struct { car; power string }`, []string{
		`c := car{engine{5}, &wheels{4}, named{"A"}}
c.tune(3)
fmt.Println(c.start(), c.n, c.power, c)`,
		`var s starter = &c
s.tune(1)
fmt.Printf("%v %s %T\n", s.start(), c, s)`,
		`d := deep{c, "shadow"}
d.wheels.n++
fmt.Println(d.power, d.car.power, d.n, c.n, d.start())`}},
	{"method values keep their receiver", `
type acc struct{ total int }
func (a acc) get() int { return a.total }
func (a *acc) add(n int) *acc { a.total += n; return a }
type getter interface{ get() int }`, []string{
		`a := acc{1}
get, add := a.get, a.add
add(5).add(10)
fmt.Println(get(), a.get(), acc.get(a), (*acc).get(&a))`,
		`var g getter = a
f := g.get
a.total = 100
fmt.Println(f(), getter.get(g), g.(acc).total)
defer fmt.Println("deferred", a.get())
a.total = 7`}},
	{"maps of every key", `
type k struct { a int; b string }
type level int
func (l level) String() string { return "L" + strconv.Itoa(int(l)) }`, []string{
		`fmt.Println(map[float64]int{2.5: 1, -1: 2, math.Inf(-1): 3}, map[[2]int]bool{{2, 1}: true, {1, 9}: false})`,
		`fmt.Println(map[any]int{"b": 1, "a": 4}, map[k]level{{2, "a"}: 1, {1, "z"}: 2})`,
		`m := map[level][]string{3: {"c"}, 1: nil}
fmt.Printf("%v %+v %d %#v\n", m, m, len(m), map[string]int{"x": 1})
m[2] = append(m[2], "new")
for _, key := range slices.Sorted(maps.Keys(m)) { fmt.Print(key, m[key], " ") }
fmt.Println()`}},
	{"pointers inside values", `
type leaf struct{ v int }
type node struct { l *leaf; kids []*node; next any }`, []string{
		`n := &node{kids: []*node{nil}}
fmt.Printf("%v %+v %v %v\n", n, n, &[]int{1}, &map[string]int{"a": 1})`,
		`pp := &n
fmt.Println((*pp).l == nil, **pp, len((*pp).kids), &leaf{3}, []*leaf{nil}, (*leaf)(nil))`,
		`fmt.Printf("%#v %T %T\n", leaf{1}, pp, n.next)`}},
	{"select with default and nil channels", ``, []string{
		`a, b := make(chan int, 1), make(chan string, 1)
a <- 1
b <- "x"
func() {
	for {
		select {
		case v := <-a:
			fmt.Println("a", v)
			a = nil
		case s := <-func() chan string { if a == nil { return b }; return nil }():
			defer fmt.Println("b", s)
			return
		}
	}
}()`,
		`full := make(chan int, 1)
for i := range 3 {
	select {
	case full <- i:
		fmt.Print("sent ", i, " ")
	default:
		fmt.Print("full ", len(full), " ")
	}
}
fmt.Println()`}},
	{"contexts", `type key struct{}
func work(ctx context.Context) error {
	select {
	case <-ctx.Done(): return fmt.Errorf("work: %w", context.Cause(ctx))
	case <-time.After(time.Minute): return nil
	}
}`, []string{
		`ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), key{}, "v"), time.Millisecond)
defer cancel()
err := work(ctx)
fmt.Println(err, errors.Is(err, context.DeadlineExceeded), ctx.Value(key{}), ctx.Value("k"))`,
		`parent, stop := context.WithCancelCause(context.Background())
child, _ := context.WithCancel(parent)
apart := context.WithoutCancel(parent)
stop(errors.New("why not"))
fmt.Println(work(child), child.Err(), apart.Err())`,
		`done := make(chan string)
context.AfterFunc(child, func() { done <- "after" })
fmt.Println(<-done)`}},
	{"times and durations as text", ``, []string{
		`t := time.Date(2023, 12, 31, 23, 59, 58, 123456789, time.FixedZone("CET", 3600))
fmt.Println(t, t.UTC().Format(time.RFC3339Nano), t.Format("Mon Jan _2 15:04:05.000 2006 -07:00 MST"))`,
		`u, err := time.Parse("2006-01-02 15:04", "2024-02-30 10:00")
fmt.Println(u, err)
u, err = time.Parse(time.DateOnly, "2024-02-29")
fmt.Println(u, err, t.Sub(u), u.Before(t), t.Truncate(time.Hour).Format(time.Kitchen))`,
		`d, _ := time.ParseDuration("1h15m30.918s")
y, w := t.ISOWeek()
fmt.Printf("%v %.1f %v %d %d %v %s\n", d.Round(time.Minute), d.Hours(), d.Truncate(time.Second), y, w, t.Month(), t.Weekday())`}},
	{"text/template", `
type item struct { Name string; Price float64; Tags []string }
func (i item) Upper() string { return strings.ToUpper(i.Name) }`, []string{
		"t := template.Must(template.New(\"list\").Funcs(template.FuncMap{\"join\": strings.Join}).Parse(`{{define \"row\"}}{{.Upper}}: {{printf \"%6.2f\" .Price}} {{with .Tags}}[{{join . \",\"}}]{{else}}none{{end}}\n{{end}}{{range $i, $e := .}}{{if $i}}- {{end}}{{template \"row\" $e}}{{else}}empty\n{{end}}`))",
		`fmt.Println(t.Execute(os.Stdout, []item{{"pen", 1.5, []string{"a", "b"}}, {"ink", 20, nil}}), t.Execute(os.Stdout, []item{}))`,
		`_, err := template.New("bad").Parse("{{if}}")
fmt.Println(err, template.Must(template.New("x").Parse("{{.Missing}}")).Execute(io.Discard, item{}))`}},
	{"scanners and readers", `
func commas(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, ','); i >= 0 { return i + 1, data[:i], nil }
	if atEOF && len(data) > 0 { return len(data), data, nil }
	return 0, nil, nil
}`, []string{
		`sc := bufio.NewScanner(strings.NewReader("a,bc,,d"))
sc.Split(commas)
for sc.Scan() { fmt.Printf("%q ", sc.Text()) }
fmt.Println(sc.Err())`,
		`r := bufio.NewReader(strings.NewReader("first\nlast"))
for {
	line, err := r.ReadString('\n')
	fmt.Printf("%q %v\n", line, err)
	if err == io.EOF { break }
}`,
		`var a, b int
var s string
n, err := fmt.Sscanf("7-8 x", "%d-%d %s", &a, &b, &s)
fmt.Println(n, err, a, b, s)
n, err = fmt.Sscan("1 two", &a, &b)
fmt.Println(n, err, a)
pr, pw := io.Pipe()
go func() { fmt.Fprint(pw, "through a pipe"); pw.Close() }()
all, _ := io.ReadAll(io.TeeReader(io.LimitReader(pr, 9), os.Stdout))
fmt.Println(len(all))`}},
	{"slices and sort", `
type person struct { name string; age int }`, []string{
		`ps := []person{{"Cy", 30}, {"Al", 25}, {"Bo", 30}, {"Di", 25}}
slices.SortStableFunc(ps, func(a, b person) int { return cmp.Compare(b.age, a.age) })
fmt.Println(ps)
sort.Slice(ps, func(i, j int) bool { return ps[i].name < ps[j].name })
fmt.Printf("%+v\n", ps)`,
		`i, found := slices.BinarySearchFunc(ps, "Bo", func(p person, n string) int { return strings.Compare(p.name, n) })
fmt.Println(i, found, slices.ContainsFunc(ps, func(p person) bool { return p.age > 40 }), slices.MaxFunc(ps, func(a, b person) int { return cmp.Or(cmp.Compare(a.age, b.age), strings.Compare(a.name, b.name)) }))`,
		`xs := []int{3, 1, 1, 2, 2}
xs = slices.Compact(slices.Sorted(slices.Values(xs)))
xs = slices.Insert(xs, 1, 9, 8)
xs = slices.Delete(xs, 0, 1)
slices.Reverse(xs)
fmt.Println(xs, slices.Index(xs, 9), slices.Equal(xs, []int{}), slices.Repeat([]int{1}, 3), slices.Concat(xs, xs[:1]))`}},
	{"messages of runtime panics", `
type shape interface{ area() int }
type sq struct{ s int }
func (s *sq) area() int { return s.s }
func try(f func()) { defer func() { v := recover(); err, ok := v.(error); fmt.Println(v, ok, err) }(); f() }`, []string{
		`n, s := -1, []int{1, 2, 3}
try(func() { fmt.Println(s[2:][:n+9]) })
try(func() { fmt.Println(s[n+3 : 1]) })
try(func() { _ = make([]int, n) })
try(func() { fmt.Println([4]int(s)) })
try(func() { fmt.Println(1 << n) })`,
		`try(func() { c := make(chan int); close(c); close(c) })
try(func() { c := make(chan int); close(c); c <- 1 })
try(func() { var c chan int; close(c) })
try(func() { var f func(); f() })
try(func() { var x shape; x.area() })
try(func() { var p *sq; p.area() })`,
		`try(func() { var a any = sq{1}; _ = a.(shape) })
try(func() { var a any; _ = a.(int) })
try(func() { var a any = "s"; _ = a.(fmt.Stringer) })
try(func() { panic(nil) })
try(func() { m := map[any]int{}; m[[]int{}] = 1 })
try(func() { s := "añb"; i := 9; _ = s[i] })`}},
	{"constants in blocks", `
type flags uint8
const (
	read flags = 1 << iota
	write
	_
	exec
	all = read | write | exec
)
const (
	a, b = iota, iota * 10
	c, d
	e = "text"
	f
	g = iota
)
const ( kb = 1 << (10 * (iota + 1)); mb; gb )
func (f flags) String() string {
	var s []string
	for i, n := range []string{"r", "w", "?", "x"} { if f&(1<<i) != 0 { s = append(s, n) } }
	return strings.Join(s, "|")
}`, []string{`fmt.Println(read, write, exec, all, all&^write, flags(0))
fmt.Printf("%v %d %T %s\n", exec, exec, all, []flags{read, all})`, `fmt.Println(a, b, c, d, e, f, g, kb, mb, gb)
const local, big = 'x' - 'a', 1 << 62
fmt.Printf("%T %v %T %v\n", local, local, big, big)
const ( zero = iota; one; two )
fmt.Println(two, math.MaxUint32, uint8(250)+uint8(one), 7.0/2, 7/2, 1e3)`}},
	{"aliases", `
type text = string
type grid = [2][2]int
type handler = func(text) (int, error)
type list[T any] = []T
type node struct{ v text }
type ref = *node
func (n ref) name() text { return "node " + n.v }`, []string{`var t text = "abc"
var h handler = func(s text) (int, error) { return len(s), nil }
n, err := h(t)
fmt.Printf("%T %T %T %T %v %v\n", t, h, grid{}, list[node]{}, n, err)`, `var r ref = &node{"x"}
fmt.Println(r.name(), (&node{"y"}).name())
fmt.Printf("%T %v\n", r, list[int]{1})`}},
	{"initialisation", `
func init() { fmt.Println("init 1", x, y, z) }
var x, y = two(z)
var z = load("z")
var _ = load("blank")
var table = map[string]func() string{"f": first, "g": func() string { return "g" + z }}
func first() string { return "f" + z }
func two(s string) (int, string) { return len(s), s + "!" }
func load(s string) string { fmt.Println("load", s); return s + s }
func init() { z = "changed"; fmt.Println("init 2", x, y, z) }`, []string{`fmt.Println(x, y, z, table["f"](), table["g"](), len(table))`}},
	{"sizes and offsets", `
type padded struct { a bool; b int64; c bool; d int16; e string; f []byte; g any }
type empty struct{}
type packed struct { b int64; a, c bool }`, []string{
		`var p padded
fmt.Println(unsafe.Sizeof(p), unsafe.Alignof(p.d), unsafe.Offsetof(p.d), unsafe.Offsetof(p.e), unsafe.Sizeof(empty{}), unsafe.Sizeof(packed{}))`,
		`b := []byte("hello")
s := unsafe.String(&b[0], 4)
b[0] = 'j'
arr := [3]int32{1, 2, 3}
second := *(*int32)(unsafe.Add(unsafe.Pointer(&arr), 4))
fmt.Println(s, second, unsafe.Sizeof(arr), unsafe.Slice(&arr[0], 2), math.Float32frombits(0x40490fdb))`}},
	{"reflection", "type base struct{ ID int }\ntype rec struct {\n\tbase\n\tName string `db:\"n\" json:\"name,omitempty\"`\n\tage int\n\tF func(int, ...string) error\n\tM map[string]*rec\n}\nfunc (r rec) Hello(who string) string { return r.Name + \" greets \" + who }\nfunc (r *rec) SetName(n string) { r.Name = n }\nfunc (r rec) hidden() {}\ntype greeter interface{ Hello(string) string }", []string{
		`r := &rec{Name: "A", age: 3}
t := reflect.TypeOf(r)
for i := range t.NumMethod() { fmt.Println(t.Method(i).Name, t.Method(i).Type) }
for _, f := range reflect.VisibleFields(t.Elem()) { fmt.Println(f.Name, f.Type, f.Index, f.Anonymous, f.PkgPath != "", f.Tag.Get("db")) }`,
		`v := reflect.ValueOf(r)
v.MethodByName("SetName").Call([]reflect.Value{reflect.ValueOf("B")})
fmt.Println(v.MethodByName("Hello").Call([]reflect.Value{reflect.ValueOf("you")})[0], v.Elem().FieldByName("age").Int(), v.Elem().FieldByName("age").CanSet(), t.Implements(reflect.TypeFor[greeter]()))`,
		`swap := reflect.MakeFunc(reflect.TypeFor[func(int, string) (string, int)](), func(in []reflect.Value) []reflect.Value { return []reflect.Value{in[1], in[0]} }).Interface().(func(int, string) (string, int))
fmt.Println(swap(1, "a"))
fmt.Println(reflect.DeepEqual(rec{age: 1}, rec{age: 1}), reflect.DeepEqual(map[string][]int{"a": {1}}, map[string][]int{"a": {2}}), reflect.TypeFor[struct{ a int; B string }](), reflect.Zero(t.Elem()).FieldByName("age"))
func() { defer func() { fmt.Println(recover()) }(); v.Elem().FieldByName("age").SetInt(5) }()`}},
	{"wait groups", ``, []string{
		`var wg sync.WaitGroup
squares := make([]int, 5)
for i := range squares { wg.Go(func() { squares[i] = i * i }) }
wg.Wait()
fmt.Println(squares)`,
		`var mu sync.RWMutex
cond := sync.NewCond(&mu)
ready := false
wg.Go(func() { mu.Lock(); for !ready { cond.Wait() }; mu.Unlock(); fmt.Println("woken") })
mu.Lock()
ready = true
mu.Unlock()
cond.Broadcast()
wg.Wait()`,
		`load := sync.OnceValues(func() (int, error) { fmt.Println("loading"); return 7, nil })
fmt.Println(load())
fmt.Println(load())
var m sync.Map
m.Store("a", 1)
got, loaded := m.LoadOrStore("a", 2)
var av atomic.Value
av.Store([]int{1})
fmt.Println(got, loaded, av.Load().([]int))`}},
	{"min, max and clear", `type temp float64`, []string{`fmt.Println(min(3, 1, 2), max(2.5, 1), min("b", "a"), max(temp(3), 4), min(math.NaN(), 1))
m, s := map[int]int{1: 1}, []string{"a", "b"}
clear(m)
clear(s)
fmt.Printf("%v %q %d\n", m, s, len(s))`, `a := append([]byte("go"), "pher"...)
n := copy(a[1:], "XYZ")
fmt.Println(string(a), n, cap(make([]int, 2, 5)), len([...]int{9: 1}), real(3i), complex(1, 2))
delete(m, 5)`}},
	{"struct keys and equality", `
type pos struct{ x, y int }
type tagged struct { pos; any }
type grid map[pos]rune`, []string{`g := grid{{1, 2}: '#', {0, 0}: '.'}
g[pos{1, 2}]++
_, ok := g[pos{5, 5}]
fmt.Println(string(g[pos{1, 2}]), ok, len(g), pos{1, 2} == pos{1, 2}, tagged{pos{1, 1}, "a"} == tagged{pos{1, 1}, "a"})`, `set := map[[2]string]struct{}{{"a", "b"}: {}}
_, in := set[[2]string{"a", "b"}]
p, q := &pos{1, 2}, &pos{1, 2}
var e1, e2 error = io.EOF, io.EOF
fmt.Println(in, p == q, *p == *q, e1 == e2, any(p) == any(q), any(pos{}) == any(struct{ x, y int }{}))`}},
	{"text in all encodings", ``, []string{
		`s := "aé\xff世\x00"
for i, r := range s { fmt.Printf("%d:%U ", i, r) }
fmt.Printf("\n%q %+q %x %X %v %s\n", s, s, s, []byte(s)[:3], []rune(s), []byte("ok"))`,
		"fmt.Println(utf8.ValidString(s), strings.ToValidUTF8(s, \"?\")[:4], len([]rune(s)), string(rune(0x1F600)), string([]rune{'a', 0x10FFFF + 1}), `raw\\n`)\nfmt.Printf(\"%c|%5.2s|%-5s|%05s|%08b|% x|%#q\\n\", 0x4E16, \"世界人\", \"é\", \"ab\", 'a', \"hex\", \"back`tick\")",
		`fmt.Println(strings.Map(func(r rune) rune { if unicode.IsUpper(r) { return -1 }; return unicode.ToUpper(r) }, "aBcÉé"), strings.EqualFold("STRASSE", "strasse"), strings.Fields(" a  b\t\nc "), strings.SplitN("a,b,c", ",", 2), strings.TrimFunc("123abc456", unicode.IsDigit))`,
		`before, after, found := strings.Cut("key=value=x", "=")
fmt.Println(before, after, found, strings.NewReplacer("a", "1", "ab", "2").Replace("abab"), strings.Count("cheese", "e"), strings.LastIndex("go gopher", "go"), strings.Repeat("ab", 3), strings.Title("hello world"))`}},
	{"numbers as text", ``, []string{
		`fmt.Printf("%d|%+d|%5d|%-5d|%05d|%x|%X|%#x|%o|%#o|%O|%b|%#b|%c|%q|%U|%#U\n", 42, 42, 42, 42, -42, 255, 255, 255, 8, 8, 8, 5, 5, 65, 65, 65, 0x1F600)`,
		`fmt.Printf("%f|%.2f|%8.3f|%-8.1f|%+.1e|%g|%G|%e|%08.3f|%6.0f|%x\n", math.Pi, math.Pi, math.Pi, math.Pi, 12345.678, 1e-7, 1e21, 0.0, -3.14159, 2.5, 1.5)
fmt.Printf("%*d|%-*d|%.*f|%t|%v|%p|%6.2f%%|%!|%z|%d\n", 5, 1, 5, 2, 3, math.E, true, 1+2i, nil, 99.5, 1, "x")`,
		`for _, s := range []string{"12", "0x1f", "1_000", "-9223372036854775809", "3.5", ""} {
	n, err := strconv.ParseInt(s, 0, 64)
	fmt.Println(n, err)
}
f, err := strconv.ParseFloat("1e400", 64)
b, berr := strconv.ParseBool("maybe")
fmt.Println(f, err, b, berr, strconv.Quote("a\tb\"c"), strconv.FormatInt(-255, 16), strconv.Itoa(7)+"!", strconv.AppendBool(nil, true))`}},
	{"recursive function values", ``, []string{
		`var fib func(int) int
memo := map[int]int{}
fib = func(n int) int {
	if n < 2 { return n }
	if v, ok := memo[n]; ok { return v }
	memo[n] = fib(n-1) + fib(n-2)
	return memo[n]
}
fmt.Println(fib(50), len(memo))`,
		`compose := func(fs ...func(int) int) func(int) int {
	return func(x int) int { for _, f := range fs { x = f(x) }; return x }
}
inc, dbl := func(x int) int { return x + 1 }, func(x int) int { return x * 2 }
fmt.Println(compose(inc, dbl, inc)(3), compose()(3), func(a, b int) int { return a * b }(6, 7))`}},
	{"nil interfaces", `
type myErr struct{}
func (*myErr) Error() string { return "mine" }
func fails(really bool) error { var p *myErr; if really { p = &myErr{} }; return p }
type quiet interface { error; Temporary() bool }
type both struct{ error }
func (both) Temporary() bool { return true }`, []string{`err := fails(false)
fmt.Println(err == nil, err, fails(true))
var e error
fmt.Printf("%v %T %v\n", e, e, e == nil)`, `var q quiet = both{errors.New("wrapped")}
switch x := any(q).(type) {
case interface{ Temporary() bool }:
	fmt.Printf("%T %t\n", x, x.Temporary())
case error:
	fmt.Println("error")
}
_, isErr := any(q).(error)
var f func()
var s []int
var m map[string]int
fmt.Println(isErr, f == nil, s == nil, m == nil, len(m), m["x"], append(s, 1))`}},
	{"trees with iterators", `
type tree[K cmp.Ordered, V any] struct { root *branch[K, V]; n int }
type branch[K cmp.Ordered, V any] struct { k K; v V; l, r *branch[K, V] }
func (t *tree[K, V]) put(k K, v V) {
	at := &t.root
	for *at != nil {
		switch c := cmp.Compare(k, (*at).k); {
		case c < 0: at = &(*at).l
		case c > 0: at = &(*at).r
		default: (*at).v = v; return
		}
	}
	*at = &branch[K, V]{k: k, v: v}
	t.n++
}
func (t *tree[K, V]) All() iter.Seq2[K, V] { return func(yield func(K, V) bool) { t.root.walk(yield) } }
func (b *branch[K, V]) walk(yield func(K, V) bool) bool {
	return b == nil || b.l.walk(yield) && yield(b.k, b.v) && b.r.walk(yield)
}`, []string{`var t tree[string, int]
for i, w := range strings.Fields("the quick brown fox jumps over the lazy dog") { t.put(w, i) }`, `for w, i := range t.All() {
	if w > "over" { break }
	fmt.Print(w, i, " ")
}
fmt.Println(t.n)
fmt.Printf("%T\n", t.root.l)`}},
	{"JSON in all forms", "type color int\nfunc (c color) MarshalText() ([]byte, error) { return []byte([]string{\"red\", \"green\"}[c]), nil }\nfunc (c *color) UnmarshalText(b []byte) error { if string(b) != \"green\" { return fmt.Errorf(\"no color %q\", b) }; *c = 1; return nil }\ntype meta struct { Created time.Time `json:\"created,omitzero\"`; note string }\ntype point struct { X, Y int }\ntype shape struct {\n\tmeta\n\tKind color `json:\"kind\"`\n\tAt *point `json:\"at,omitempty\"`\n\tBy map[color]float64 `json:\"by\"`\n\tRaw json.RawMessage `json:\"raw,omitempty\"`\n\tSkip string `json:\"-\"`\n\tAny any\n}", []string{
		`b, err := json.MarshalIndent(shape{Kind: 1, At: &point{1, 2}, By: map[color]float64{0: 1.5, 1: 2}, Skip: "s", Raw: json.RawMessage("[1, 2]"), Any: []any{nil, "<&>"}}, "", " ")
fmt.Println(string(b), err)`,
		"for _, text := range []string{`{\"kind\": \"green\", \"at\": {\"x\": 5}}`, `{\"kind\": \"blue\"}`, `{\"at\": {\"X\": \"five\"}}`, `{\"kind\": \"green\",}`, `[]`} {\n\tvar s shape\n\terr := json.Unmarshal([]byte(text), &s)\n\tfmt.Println(err, s.Kind == 1, s.At)\n}",
		"dec := json.NewDecoder(strings.NewReader(`{\"a\": [1, {\"b\": null}]} 2`))\nfor {\n\ttok, err := dec.Token()\n\tif err != nil {\n\t\tfmt.Println(err)\n\t\tbreak\n\t}\n\tfmt.Printf(\"%v(%T) \", tok, tok)\n}\n_, err = json.Marshal(map[string]any{\"c\": make(chan int)})\nfmt.Println(err)"}},
	{"tables and records", `type row struct { name string; n int }`, []string{
		`w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight|tabwriter.Debug)
fmt.Fprintln(w, "name\tn\t")
for _, r := range []row{{"alpha", 1}, {"b", 20000}} { fmt.Fprintf(w, "%s\t%d\t\n", r.name, r.n) }
w.Flush()`,
		`rd := csv.NewReader(strings.NewReader("a,\"b \"\"q\"\"\",c\n1,2\n"))
for {
	rec, err := rd.Read()
	if err == io.EOF { break }
	fmt.Printf("%q %v\n", rec, err)
}
cw := csv.NewWriter(os.Stdout)
cw.Write([]string{"x y", "a,b", "\"", ""})
cw.Flush()`,
		`buf := binary.BigEndian.AppendUint32(nil, 0xCAFEBABE)
var h struct { A uint16; B [2]uint8 }
fmt.Println(binary.Read(bytes.NewReader(buf), binary.BigEndian, &h), h, binary.LittleEndian.Uint16(buf), binary.PutUvarint(buf, 300))`}},
	{"errors joined and wrapped", `
type code int
func (c code) Error() string { return "code " + strconv.Itoa(int(c)) }
func (c code) Is(target error) bool { return target == errBase }
var errBase = errors.New("base")
type wrap struct { op string; err error }
func (w *wrap) Error() string { return w.op + ": " + w.err.Error() }
func (w *wrap) Unwrap() error { return w.err }`, []string{`err := fmt.Errorf("all: %w, %w", &wrap{"open", code(3)}, io.EOF)
var c code
var w *wrap
fmt.Println(err, errors.Is(err, io.EOF), errors.Is(err, errBase), errors.As(err, &c), c, errors.As(err, &w), w.op)`, `j := errors.Join(nil, code(1), &wrap{"read", io.ErrUnexpectedEOF})
fmt.Printf("%v|%T|%q|%+v\n", j, j, errors.Unwrap(&wrap{"x", code(2)}), errors.Join(nil, nil))
_, perr := os.Open("/no/such/file")
var pe *os.PathError
fmt.Println(errors.As(perr, &pe), pe.Op, pe.Err, errors.Is(perr, os.ErrNotExist), perr)`}},
	{"types that print themselves", `
type temp float64
func (t temp) Format(f fmt.State, verb rune) { w, ok := f.Width(); fmt.Fprintf(f, "%c(%d,%t,%t)=%.1f", verb, w, ok, f.Flag('+'), float64(t)) }
type secret string
func (secret) GoString() string { return "secret(***)" }
func (s secret) String() string { return strings.Repeat("*", len(s)) }
type ptr struct{ n int }
func (p *ptr) String() string { return "ptr!" }
type bad struct{}
func (bad) String() string { panic("inside String") }`, []string{`fmt.Printf("%v %+6d %s\n", temp(1), temp(2), []temp{3})
fmt.Printf("%v %#v %s %q %x\n", secret("abc"), secret("abc"), secret("ab"), secret("a"), secret("a"))`, `fmt.Println(ptr{1}, &ptr{1}, []*ptr{{1}}[0], struct{ P ptr }{}, bad{})
fmt.Printf("%v %d %s %v\n", map[secret]temp{"k": 1}, secret("x"), error(nil), (*ptr)(nil))`}},
	{"log and slog", ``, []string{`log.SetFlags(log.Lmsgprefix)
log.SetPrefix("app: ")
log.SetOutput(os.Stdout)
log.Println("one", 2)
log.Printf("%05d", 3)`, `func() { defer func() { fmt.Println("recovered", recover()) }(); log.Panicln("bad", 1) }()
l := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(g []string, a slog.Attr) slog.Attr { if a.Key == "time" { return slog.Attr{} }; return a }}))
l.With("a", 1).WithGroup("g").Info("hello world", "b", "x y", slog.Duration("d", time.Second))
l.Debug("hidden")`}},
	{"large numbers", ``, []string{`f := big.NewInt(1)
for i := range int64(30) { f.Mul(f, big.NewInt(i+1)) }
r := big.NewRat(3, 4)
r.Add(r, big.NewRat(5, 6))
fmt.Println(f, r, r.FloatString(5), new(big.Int).Exp(big.NewInt(2), big.NewInt(100), nil), big.NewInt(17).ProbablyPrime(5))`, `fmt.Printf("%x %d %v %s\n", f, big.NewInt(-5), new(big.Float).SetPrec(100).Quo(big.NewFloat(1), big.NewFloat(3)), new(big.Int).Sqrt(big.NewInt(1000)))
fmt.Println(bits.OnesCount(255), bits.LeadingZeros32(1), bits.Reverse8(1), bits.Len(1000))`}},
	{"game of life", `
type life struct { w, h int; on []bool }
func newLife(w, h int, at ...[2]int) *life { l := &life{w, h, make([]bool, w*h)}; for _, p := range at { l.on[p[1]*w+p[0]] = true }; return l }
func (l *life) alive(x, y int) bool { return l.on[(y+l.h)%l.h*l.w+(x+l.w)%l.w] }
func (l *life) next() *life {
	n := newLife(l.w, l.h)
	for y := range l.h {
		for x := range l.w {
			k := 0
			for dy := -1; dy <= 1; dy++ { for dx := -1; dx <= 1; dx++ { if (dx != 0 || dy != 0) && l.alive(x+dx, y+dy) { k++ } } }
			n.on[y*l.w+x] = k == 3 || k == 2 && l.alive(x, y)
		}
	}
	return n
}
func (l *life) String() string {
	var b strings.Builder
	for i, on := range l.on { b.WriteByte(" #"[map[bool]int{true: 1}[on]]); if i%l.w == l.w-1 { b.WriteByte('\n') } }
	return b.String()
}`, []string{`l := newLife(6, 6, [2]int{1, 0}, [2]int{2, 1}, [2]int{0, 2}, [2]int{1, 2}, [2]int{2, 2})
fmt.Print(l)`, `for range 12 { l = l.next() }
fmt.Print(l)`}},
	{"a concurrent sieve", `
func generate(c chan<- int) { for i := 2; ; i++ { c <- i } }
func filter(in <-chan int, out chan<- int, prime int) { for { if i := <-in; i%prime != 0 { out <- i } } }`, []string{`c := make(chan int)
go generate(c)
for range 10 {
	prime := <-c
	fmt.Print(prime, " ")
	next := make(chan int)
	go filter(c, next, prime)
	c = next
}
fmt.Println()`}},
	{"composite literals", `
type p struct{ X, Y int }
type poly []p
type book struct { title string; by *p; poly; m map[string][]p }`, []string{`bs := []*book{{"a", &p{1, 2}, poly{{1, 1}}, map[string][]p{"k": {{5, 6}, {Y: 7}}}}, {title: "b"}}
fmt.Println(*bs[0].by, bs[0].poly, bs[0].m, len(bs[1].m), bs[0].poly[0].X)`, `arr := [...]string{2: "c", 0: "a", 4: "e"}
mm := map[p]*p{{1, 2}: {3, 4}}
fn := []func(int) int{func(x int) int { return -x }}
nested := map[string]map[string]int{"a": {"b": 1}, "c": nil}
nested["a"]["z"]++
fmt.Printf("%q %d %v %d %v %v\n", arr, len(arr), *mm[p{1, 2}], fn[0](3), nested, struct{ A []int }{[]int{1}})`}},
	{"switches", `
func grade(n int) (s string) {
	switch {
	case n >= 90: s = "A"; fallthrough
	case n >= 80: s += "B"
	case n < 0: return "bad"
	default: s = "F"
	}
	return
}
func typ[T any](v T) string {
	switch any(v).(type) {
	case int, uint: return "integer"
	case []T: return "never"
	case func(): return "func"
	case fmt.Stringer: return "stringer"
	case nil: return "nil"
	}
	return fmt.Sprintf("%T", v)
}`, []string{`fmt.Println(grade(95), grade(85), grade(-1), grade(5))
fmt.Println(typ(1), typ(func() {}), typ(time.Second), typ[any](nil), typ([]string{}))`, `switch x := 5; x {
case 1, 2, 3:
	fmt.Println("small")
case 4, 5:
	if x == 5 { break }
	fmt.Println("never")
default:
	fmt.Println("default")
}
switch f := func() bool { fmt.Println("once"); return true }; f() {
case false: fmt.Println("no")
case true: fmt.Println("yes")
}`}},
	{"functional options and handlers", `
type server struct { host string; port int; tls bool }
type option func(*server)
func port(p int) option { return func(s *server) { s.port = p } }
func withTLS(s *server) { s.tls = true }
func newServer(host string, opts ...option) *server { s := &server{host: host, port: 80}; for _, o := range opts { o(s) }; return s }
type handlerFunc func(string) string
func (f handlerFunc) serve(s string) string { return f(s) }
type handler interface{ serve(string) string }
func logged(h handler) handler { return handlerFunc(func(s string) string { fmt.Println("before", s); defer fmt.Println("after", s); return h.serve(s) }) }`, []string{`fmt.Printf("%+v %v\n", *newServer("a", port(8080), withTLS), *newServer("b"))`, `h := logged(logged(handlerFunc(strings.ToUpper)))
fmt.Println(h.serve("x"))
fmt.Printf("%T\n", h)`}},
	{"order of evaluation", `
func say(s string, v int) int { fmt.Print(s, " "); return v }
type t struct{ a, b int }`, []string{`i, xs := 0, []int{10, 20, 30}
i, xs[i] = 2, 99
fmt.Println(i, xs)
xs[0], xs[2] = xs[2], xs[0]
a, b := say("a", 1)+say("b", 2)*say("c", 3), say("d", 4)
fmt.Println(a, b, xs)`, `m := map[int]int{}
m[say("key", 1)] += say("value", 5)
v := t{b: say("second", 2), a: say("first", 1)}
ok := say("left", 0) == 1 && say("right", 1) == 1 || say("last", 2) == 2
fmt.Println(m, v, ok)
for i, n := range [3]int{1, 2, 3} { if i < 2 { defer fmt.Print("n", n, " ") } }
fmt.Println("end")`}},
	{"print and println", ``, []string{`println("a", 1, true, 'x', 1.5, nil == error(nil))
print("no", "blank", 2, "\n")`}},
	{"methods on every type", `
type ints []int
func (s ints) sum() (n int) { for _, x := range s { n += x }; return }
func (s *ints) add(x int) { *s = append(*s, x) }
type counts map[string]int
func (c counts) inc(k string) counts { c[k]++; return c }
type op func(int, int) int
func (o op) on(a, b int) int { return o(a, b) }
type pipe chan string
func (p pipe) send(s string) pipe { p <- s; return p }
type node struct { next *node }
func (n *node) len() int { if n == nil { return 0 }; return 1 + n.next.len() }
type grid [2][2]int
func (g grid) flip() grid { g[0], g[1] = g[1], g[0]; return g }`, []string{`var s ints
s.add(3); s.add(4)
c := counts{}.inc("a").inc("a")
p := make(pipe, 2).send("x")
fmt.Println(s.sum(), c, op(func(a, b int) int { return a - b }).on(5, 3), <-p, (&node{&node{}}).len(), (*node)(nil).len())`, `g := grid{{1, 2}, {3, 4}}
fmt.Println(g.flip(), g)
fmt.Printf("%T %T %T %v %v\n", s, c, p, cap(p), s)`}},
	{"types inside functions", `
func one() any { type T struct{ a int }; return T{1} }
func two() any { type T struct{ b string }; type U []T; return U{{"x"}} }
func three[X any](x X) any { type box struct{ v X }; return box{x} }`, []string{`fmt.Printf("%T %+v %T %+v\n", one(), one(), two(), two())
fmt.Println(one() == one(), three(1) == three(1), three(1) == any(three("a")))`, `type local struct { n int; s []string }
l := local{1, []string{"a"}}
fmt.Printf("%v %+v %T\n", l, l, l)
const answer = 42
var ( x int; y = "why"; z, w = 1.5, true )
fmt.Println(answer, x, y, z, w)`}},
	{"files", ``, []string{`dir, err := os.MkdirTemp("", "asgo")
if err != nil { panic(err) }
defer os.RemoveAll(dir)
os.WriteFile(filepath.Join(dir, "b.txt"), []byte("two\nlines\n"), 0o600)
os.MkdirAll(filepath.Join(dir, "sub", "deep"), 0o755)
f, _ := os.Create(filepath.Join(dir, "sub", "a.bin"))
fmt.Fprintf(f, "%04d", 7)
f.Seek(1, io.SeekStart)
rest, _ := io.ReadAll(f)
fmt.Println(string(rest), f.Close(), f.Close() != nil)
filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
	rel, _ := filepath.Rel(dir, p)
	fmt.Println(rel, d.IsDir(), err)
	return nil
})
data, _ := os.ReadFile(filepath.Join(dir, "b.txt"))
st, _ := os.Stat(filepath.Join(dir, "b.txt"))
fmt.Printf("%q %d %v %s\n", data, st.Size(), st.Mode(), filepath.Ext(st.Name()))`}},
	{"lists, rings and heaps", `
type job struct { pri int; name string }
type queue []*job
func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].pri > q[j].pri }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any) { *q = append(*q, x.(*job)) }
func (q *queue) Pop() any { old := *q; x := old[len(old)-1]; *q = old[:len(old)-1]; return x }`, []string{`l := list.New()
l.PushBack(1); l.PushFront(0); l.InsertAfter(5, l.Front())
for e := l.Front(); e != nil; e = e.Next() { fmt.Print(e.Value, " ") }
fmt.Println(l.Len())`, `q := &queue{{1, "low"}, {9, "high"}}
heap.Init(q)
heap.Push(q, &job{5, "mid"})
for q.Len() > 0 { fmt.Print(heap.Pop(q).(*job).name, " ") }
fmt.Println()`}},
	{"teaching programs", `
func hanoi(n int, a, b, c string, moves *int) { if n > 0 { hanoi(n-1, a, c, b, moves); *moves++; hanoi(n-1, c, b, a, moves) } }
func permute(s []rune, k int, out *[]string) { if k == len(s) { *out = append(*out, string(s)); return }; for i := k; i < len(s); i++ { s[k], s[i] = s[i], s[k]; permute(s, k+1, out); s[k], s[i] = s[i], s[k] } }
func quick[T cmp.Ordered](xs []T) []T { if len(xs) < 2 { return xs }; var l, r []T; for _, x := range xs[1:] { if x < xs[0] { l = append(l, x) } else { r = append(r, x) } }; return append(append(quick(l), xs[0]), quick(r)...) }
func queens(n, row int, cols []int) (total int) {
next:
	for c := range n {
		for r, q := range cols { if q == c || q-c == row-r || c-q == row-r { continue next } }
		if row == n-1 { total++ } else { total += queens(n, row+1, append(cols[:row:row], c)) }
	}
	return
}
func gcd(a, b int) int { for b != 0 { a, b = b, a%b }; return a }
func caesar(s string, k int) string { return strings.Map(func(r rune) rune { if r >= 'a' && r <= 'z' { return 'a' + (r-'a'+rune(k)+26)%26 }; return r }, s) }
type matrix [][]float64
func (a matrix) mul(b matrix) matrix { c := make(matrix, len(a)); for i := range a { c[i] = make([]float64, len(b[0])); for j := range b[0] { for k := range b { c[i][j] += a[i][k] * b[k][j] } } }; return c }`, []string{`moves := 0
hanoi(10, "a", "b", "c", &moves)
var perms []string
permute([]rune("abc"), 0, &perms)
fmt.Println(moves, perms, quick([]int{3, 1, 2, 3, 0}), quick(strings.Split("banana", "")), queens(6, 0, nil), gcd(48, 18))`, `fmt.Println(caesar("hello, world", 3), caesar(caesar("abc", 3), -3), matrix{{1, 2}, {3, 4}}.mul(matrix{{0, 1}, {1, 0}}))
words := map[string]int{}
for _, w := range strings.FieldsFunc("The cat. The dog; the END", func(r rune) bool { return !unicode.IsLetter(r) }) { words[strings.ToLower(w)]++ }
fmt.Println(words)
for i := 1; i <= 15; i++ {
	switch { case i%15 == 0: fmt.Print("FizzBuzz "); case i%3 == 0: fmt.Print("Fizz "); case i%5 == 0: fmt.Print("Buzz "); default: fmt.Print(i, " ") }
}
fmt.Println()`}},
	{"addresses and hashes", ``, []string{`u, err := url.Parse("https://user:pw@example.com:8080/a%20b/?q=1&q=2&x=%26#frag")
fmt.Println(u.Host, u.Port(), u.Path, u.Query()["q"], u.Query().Get("x"), u.Fragment, u.User.Username(), u.Redacted(), err)
_, err = url.Parse("http://[::1")
fmt.Println(err, url.QueryEscape("a b&c"), url.Values{"k": {"v 1"}, "a": {"b"}}.Encode())`, `h := fnv.New64a()
h.Write([]byte("go"))
fmt.Printf("%x %08x %s\n", h.Sum64(), crc32.ChecksumIEEE([]byte("go")), html.EscapeString("<a & \"b\">"))
fmt.Println(path.Join("a", "../b", "/c"), path.Base("/x/y.tar.gz"), path.Ext("y.tar.gz"), path.Clean("a//b/./c/.."))`}},
	{"hidden letters in a program's own names", `
type T struct{ field int; Field int }
type t struct { T; x int }
var value, Value = 1, 2
func do() string { return "do" }
func Do() string { return "Do" }
type X_field struct{ xField int }
const c, C = 3, 4
func (T) method() string { return "m" }
func (T) Method() string { return "M" }`, []string{`v := t{T{1, 2}, 3}
fmt.Printf("%+v %+v %T %T\n", v, X_field{5}, v, v.T)
fmt.Println(value, Value, do(), Do(), c, C, v.method(), v.Method(), v.field, v.Field)`, `value, Value := "a", "b"
b, _ := json.Marshal(v)
fmt.Println(value, Value, string(b), reflect.TypeOf(v).Field(1).Name, reflect.TypeOf(X_field{}).Field(0).Name, reflect.TypeOf(v).Field(0).Name)
fmt.Printf("%#v\n", v)`}},
	{"anonymous structs and functions in types", ``, []string{`x := struct { a int; b struct{ c []string } }{a: 1}
x.b.c = append(x.b.c, "q")
f := func(p struct{ n int }) (r struct{ m string }) { r.m = fmt.Sprint(p.n); return }
fmt.Printf("%v %+v %T\n", x, x, x)
fmt.Printf("%+v %T\n", f(struct{ n int }{3}), f)`, `table := []struct { in string; want int; err error }{{"1", 1, nil}, {"x", 0, nil}}
for _, tc := range table {
	got, err := strconv.Atoi(tc.in)
	fmt.Println(got == tc.want, err == tc.err, tc)
}
var i interface { M() }
fmt.Printf("%T %v %#v\n", &i, i, x)`}},
}
