//go:build linux

package session

// More sequences: what is declared anew, and values that hold what was there before.
func init() {
	sequences = append(sequences, []sequence{
		{"values that hold nothing of a replaced function", []step{
			{code: "func load(n int) (int, error) { return n, nil }\nx, err := load(3)\nvar e error = errors.New(\"x\")\ng := load\ng = nil\ntype M func(string) string\nup := M(strings.ToUpper)"},
			{code: "func load(n int) (int, error) { return 2 * n, nil }\nfunc (m M) Twice(s string) string { return m(m(s)) }", not: "still holds"}, {code: "up.Twice(\"a\"), err, g == nil", want: "=> A, <nil>, true"}}},
		{"the cell to run is the one that set the value", []step{
			{code: "type Cmd struct{ Run func() int }\nvar root = &Cmd{}\nfunc run1() int { return 1 }"}, {code: "root.Run = run1"},
			{code: "func run1() int { return 2 }", want: "root (cell 1) still holds what was made with run1 of before; run cell 2 again"},
			{code: "root.Run = run1\nroot.Run()", want: "=> 2"}, {code: "func run1() int { return 3 }", want: "run cell 4 again"}}},
		{"values of an old type in interfaces", []step{
			{code: "type E struct{ n string }\nfunc (e E) Error() string { return e.n }\nnf := E{\"a\"}\nvar err error = nf\nwrapped := fmt.Errorf(\"in: %w\", nf)"},
			{code: "func (e E) Temporary() bool { return true }", want: "err (cell 1) still holds what was made with E of before; run cell 1 again to have the new one\nwrapped (cell 1) still holds", not: "nf"},
			{code: "err = nf\nvar t E\nerrors.As(err, &t), errors.Is(err, nf)", want: "=> true, true"}}},
		{"values of an old type in containers", []step{
			{code: "type T struct{ a int }\nfunc (t T) S() string { return \"old\" }\ntype key struct{ n int }\nvar all []any\nseen := map[any]bool{}\nl := list.New()\nvar m sync.Map\nvar v atomic.Value\nvar p atomic.Pointer[[]any]\nvar x interface{ S() string }\nplain := []T{{1}}"},
			{code: "for i := range 3 { all = append(all, T{i}) }\nid := key{1}\nseen[id] = true\nl.PushBack(T{1})\nm.Store(\"k\", T{1})\nv.Store(T{1})\np.Store(&all)\nx = T{1}\nctx := context.WithValue(context.Background(), id, 1)"},
			{code: "func (t T) S() string { return \"new\" }", want: "all (cell 1) still holds what was made with T of before; run cell 2 again to have the new one\nl (cell 1) still holds what was made with T of before; run cell 2 again to have the new one\nm (cell 1) still holds what was made with T of before; run cell 2 again to have the new one\n" +
				"p (cell 1) still holds what was made with T of before; run cell 2 again to have the new one\nv (cell 1) still holds what was made with T of before; run cell 2 again to have the new one\nx (cell 1) still holds what was made with T of before; run cell 2 again to have the new one\n", not: "plain"},
			{code: "func (k key) S() string { return \"k\" }", want: "ctx (cell 2) still holds what was made with key of before; run cell 2 again to have the new one\nseen (cell 1) still holds what was made with key of before; run cell 2 again", not: "all"},
			{code: "plain[0].S()", want: "=> new"}}},
		{"old functions in fields, containers and closures", []step{
			{code: "type S struct{ n int }\nfunc (s *S) get() int { return s.n }\nfunc greet() int { return 1 }\nfunc maker() func() int { return func() int { return 1 } }\nfunc same[T any](v T) T { return v }\nconst lr = 0.1\non := map[string]func() int{}\nfunc reg(name string, f func() int) { on[name] = f }"},
			{code: "reg(\"greet\", greet)\nmade := maker()\nstep := func(x float64) float64 { return x * lr }\nbound := (&S{3}).get\nunbound := (*S).get\nsame1 := same[int]\nh := greet\nh2 := h\nmux := http.NewServeMux()\nhello := func(w http.ResponseWriter, r *http.Request) { greet() }\nmux.HandleFunc(\"/\", hello)\nlib := strings.ToUpper"},
			{code: "func greet() int { return 2 }", want: "h (cell 2) still holds what was made with greet of before; run cell 2 again to have the new one\nh2 (cell 2) still holds what was made with greet of before; run cell 2 again to have the new one\n" +
				"hello (cell 2) still holds what was made with greet of before; run cell 2 again to have the new one\nmux (cell 2) still holds what was made with greet of before; run cell 2 again to have the new one\non (cell 1) still holds", not: "lib"},
			{code: "const lr = 0.5", want: "step (cell 2) still holds what was made with lr of before; run cell 2 again", not: "mux"},
			{code: "func maker() func() int { return func() int { return 2 } }", want: "made (cell 2) still holds what was made with maker of before", not: "step"},
			{code: "func (s *S) get() int { return -s.n }", want: "bound (cell 2) still holds what was made with S.get of before; run cell 2 again to have the new one\nunbound (cell 2) still holds", not: "made (cell"},
			{code: "func same[T any](v T) T { return v + v }", fail: "operator +"}, {code: "func same[T any](v T) T { var w T; _ = v; return w }", want: "same1 (cell 2) still holds what was made with same of before", not: "bound"}}},
		{"a panic about two types of one name", []step{
			{code: "type T struct{ n int }\nl := list.New()"}, {code: "l.PushBack(T{1})\nch := make(chan any, 1)\nch <- T{2}"}, {code: "func (t T) S() int { return t.n }", want: "l (cell 1) still holds"}, {code: "l.PushBack(7)"},
			{code: "l.Front().Value.(T).S()", fail: "is main.T, not main.T (types from different packages); the value was made before T was declared anew; l (cell 1) holds such a value: run cell 2 again\n"},
			{code: "l = list.New()\nl.PushBack(T{1})\nl.Front().Value.(T).S()", want: "=> 1"}, {code: "(<-ch).(T).S()", fail: "declared anew; run the cell that makes it again"},
			{code: "any(3).(T).S()", fail: "interface {} is int, not main.T\n"}}},
		{"a method and a function of one name", []step{
			{code: "type T struct{ n int }\nfunc (t T) Get() int { return t.n }\nfunc (t *T) Put() func() int { return func() int { return t.n } }\ntype B struct{ T }\ntype G[E any] struct{ e E }\nfunc (g G[E]) Get() E { return g.e }\nfunc Get() int { return 1 }\nfunc Put() func() int { return func() int { return 1 } }"},
			{code: "a, b, c, d, e := T{1}.Get, (*T).Put, (&T{2}).Put(), B{T{3}}.Get, G[int]{4}.Get\nf, g := Get, Put()"},
			{code: "func Get() int { return 2 }", want: "f (cell 2) still holds what was made with Get of before", not: "a (cell"}, {code: "f = Get"}, {code: "func Get() int { return 3 }", want: "f (cell 2) still holds", not: "d (cell"}, {code: "f = Get"}, {code: "func Get() int { return 4 }", want: "f (cell 2) still holds", not: "e (cell"},
			{code: "func Put() func() int { return nil }", want: "g (cell 2) still holds what was made with Put of before", not: "c (cell"}, {code: "func Put() func() int { return Put() }", not: "b (cell"},
			{code: "a(), c(), d(), e(), f()", want: "=> 1, 2, 3, 4, 3"}, {code: "func (t T) Get() int { return -t.n }", want: "d (cell 2) still holds what was made with T.Get of before", not: "e (cell"}}},
		{"methods that are replaced beside functions of their names", []step{
			{code: "type T struct{ n int }\nfunc (t T) Get() int { return t.n }\nfunc Get() int { return 1 }\na, f := T{1}.Get, Get"}, {code: "func (t T) Get() int { return -t.n }", want: "a (cell 1) still holds what was made with T.Get of before", not: "f (cell"},
			{code: "f = Get"}, {code: "func Get() int { return 3 }", want: "f (cell 1) still holds what was made with Get of before; run cell 3 again to have the new one\n", not: "a (cell"}}},
		{"what a cell registers again", []step{
			{code: "hits, rate, name, all := expvar.NewInt(\"hits\"), expvar.NewFloat(\"rate\"), expvar.NewString(\"name\"), expvar.NewMap(\"all\")\nhits.Add(2)\nrate.Set(1.5)\nname.Set(\"a\")\nall.Add(\"k\", 1)"},
			{code: "hits, rate, name, all := expvar.NewInt(\"hits\"), expvar.NewFloat(\"rate\"), expvar.NewString(\"name\"), expvar.NewMap(\"all\")\nhits, rate, name, all, expvar.Get(\"hits\") == hits", want: "=> 0, 0, \"\", {}, true"}}},
		{"a mux of one's own", []step{
			{code: "import \"net/http/httptest\"\ntype counter struct{ n int }\nfunc (c counter) ServeHTTP(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, c.n) }\nfunc get(h http.Handler) string {\n\tw := httptest.NewRecorder()\n\th.ServeHTTP(w, httptest.NewRequest(\"GET\", \"/\", nil))\n\treturn w.Body.String()\n}\nkept := http.NewServeMux()\ntype server struct{ mux http.ServeMux }\nfunc (s *server) reset(n int) {\n\ts.mux = http.ServeMux{}\n\ts.mux.Handle(\"/\", counter{n})\n}\nvar s server\ns.reset(1)"},
			{code: "var mux http.ServeMux\nmux.Handle(\"/\", counter{1})\nget(&mux)", want: "=> \"1\""}, {code: "var mux http.ServeMux\nmux.Handle(\"/\", counter{2})\nget(&mux)", want: "=> \"2\""},
			{code: "h, _ := mux.Handler(httptest.NewRequest(\"GET\", \"/\", nil))\nh.(counter)", want: "=> {n:2}"}, {code: "s.reset(3)\nget(&s.mux)", want: "=> \"3\""},
			{code: "kept.HandleFunc(\"/\", http.NotFound)"}, {code: "kept.HandleFunc(\"/\", http.NotFound)", fail: "conflicts with pattern \"/\" (registered at cell 6:1)"}, {code: "kept.HandleFunc(\"/\", http.NotFound)", fail: "make the mux in this cell (http.NewServeMux), or restart"},
			{code: "kept.Handle(\"/z\", http.HandlerFunc(nil))", fail: "http: nil handler"}, {code: "func (c counter) Other() {}", want: "mux (cell 3) still holds"}}},
		{"a name that an earlier run registered", []step{{code: "import \"database/sql/driver\"\ntype drv struct{}\nfunc (drv) Open(string) (driver.Conn, error) { return nil, nil }\nfunc reg(name string) { sql.Register(name, drv{}) }"},
			{code: "expvar.Publish(\"hits\", new(expvar.Int))"}, {code: "expvar.Publish(\"hits\", new(expvar.Int))", fail: "Reuse of exported var name: hits; this line ran before, and the name stays taken as long as the worker runs: look the variable up first with expvar.Get, or restart the kernel"},
			{code: "reg(\"a\")"}, {code: "x := 1\nreg(\"a\")", fail: "look for the driver in sql.Drivers() first"},
			{code: "import \"runtime/pprof\"\npprof.NewProfile(\"mine\").Count()"}, {code: "import \"runtime/pprof\"\npprof.NewProfile(\"mine\").Count()", fail: "pprof.Lookup"}, {code: "func metric(n int) { if n > 1 { panic(\"metric already registered\") } }\nvar n int"}, {code: "n++\nmetric(n)"}, {code: "n++\nmetric(n)", fail: "metric already registered\n"},
			{code: "import \"net/rpc\"\ntype Sum int\nfunc (Sum) Of(a int, out *int) error { return nil }\nif err := rpc.Register(Sum(0)); err != nil {\n\tpanic(err)\n}"}, {code: "func check(err error) { if err != nil { panic(err) } }\ncheck(nil)"}, {code: "err := rpc.Register(Sum(0))\nif err != nil {\n\tpanic(err)\n}", fail: "rpc: service already defined: Sum\n"}, {code: "check(err)", fail: "rpc: service already defined: Sum\n"}, {code: "check(err)", fail: "rpc: service already defined: Sum\n"},
			{code: "log.Panic(rpc.Register(Sum(0)))", fail: "rpc: service already defined: Sum\n"}, {code: "log.Panic(rpc.Register(Sum(0)))", fail: "register with a server that the cell makes (rpc.NewServer)"},
			{code: "expvar.NewInt(\"two\")\nexpvar.NewInt(\"two\") // again", fail: "Reuse of exported var name: two\n"}}},
		{"an array whose length is a constant", []step{
			{code: "const N = 3\nvar grid [N][N]int\nrow := [N]int{}\nn := len([N]int{})\nlist := make([]int, N)"},
			{code: "const N = 5", want: "grid (cell 1) still has the size that it had with N of before; set grid again without the rest of cell 1, which has N as before to have the new one\nrow (cell 1) still has", not: "list"}, {code: "var grid [N][N]int\nlen(grid)", want: "=> 5"}, {code: "const N = 6", want: "grid (cell 3) still has", not: "row"},
			{code: "const W, H = 3, 4\nvar box [W]int"}, {code: "const W, H = 3, 5\nlen(box)", want: "=> 3", not: "box"}, {code: "const W = 4", want: "box (cell 5) still has the size that it had with W of before"}, {code: "const W = 6", not: "box"}}},
		{"goroutines that run old code, and values that they may write", []step{
			{code: "type T struct{ n int }\nfunc work() int { return 1 }\nfunc serve(in, out chan int) { for range in { out <- work() } }\nl, m := []any{T{1}}, map[string]any{\"a\": T{1}}\nin, out := make(chan int), make(chan int)"},
			{code: "func (t T) A() int { return 1 }", want: "l (cell 1) still holds what was made with T of before; run cell 1 again to have the new one\nm (cell 1) still holds"}, {code: "l[0], m[\"a\"] = T{2}, T{2}\ngo serve(in, out)\nin <- 1\n<-out", want: "=> 1"},
			{code: "func work() int { return 2 }", want: "a goroutine still runs what was made with serve of before, until it ends"}, {code: "in <- 1\n<-out", want: "=> 1"},
			{code: "func (t T) B() int { return 1 }", not: "still holds"}, {code: "l[0] = T{3}\nbefore := runtime.NumGoroutine()\nclose(in)\nfor runtime.NumGoroutine() >= before { runtime.Gosched() }"}, {code: "func (t T) C() int { return 1 }\nfunc work() int { return 3 }", want: "l (cell 1) still holds", not: "goroutine"}}},
		{"large values and values that hold themselves", []step{
			{code: "type T struct{ n int }\nlarge := make([]any, 1<<22)\nfor i := range large { large[i] = i }\nlarge[9] = T{1}\nlate := slices.Clone(large)\nlate[9], late[1<<21] = nil, T{2}\nvar ring any\nring = []any{&ring, T{3}}\nvar nothing *any"},
			{code: "func (t T) A() int { return 1 }", want: "large (cell 1) still holds what was made with T of before; run cell 1 again to have the new one\nring (cell 1) still holds", not: "late"}}},
	}...)
}
