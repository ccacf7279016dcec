//go:build linux

package session

// More sequences: cells as people type them when they learn the language, and what they run again.
func init() {
	sequences = append(sequences, []sequence{
		{"methods whose receiver is an alias", []step{
			{code: "type Account struct{ Owner string }"}, {code: "type Named = Account"}, {code: "func (n Named) Hello() string { return \"hi \" + n.Owner }\nNamed{\"x\"}.Hello()", want: "=> hi x"},
			{code: "type P = *Account\nfunc (p P) Set(s string) { p.Owner = s }\nacc := &Account{\"q\"}\nacc.Set(\"w\")\nacc", want: "=> &{Owner:w}"}, {code: "type N2 = Named\nfunc (n *N2) Up() { n.Owner = strings.ToUpper(n.Owner) }\na := N2{\"bob\"}\na.Up()\na, a.Hello()", want: "=> {Owner:BOB}, hi BOB"},
			{code: "func (n N2) Hello() string { return \"ho \" + n.Owner }\na.Hello()", want: "=> ho BOB"}, {code: "func (x Account) F() int { return 3 }\ntype Account int\nAccount(3).F()", want: "=> 3"}, {code: "type L = Account\ntype Account struct{ Z int }\nfunc (l L) Zed() int { return l.Z }\nL{4}.Zed()", want: "=> 4"}}},
		{"methods of aliases that can have none", []step{
			{code: "type I = int\ntype G[T any] struct{ v T }\ntype GI = G[int]\ntype GA[T any] = G[T]\ntype B = bytes.Buffer\ntype E = error"}, {code: "func (i I) Foo() {}", fail: "line 1, column 9: cannot define new methods on non-local type I"}, {code: "func (g GI) Get() int { return g.v }", fail: "cannot define new methods on instantiated type G[int]"},
			{code: "func (g GA[T]) Get() T { return g.v }", fail: "cannot define new methods on generic alias type GA[T any]"}, {code: "func (b B) Foo() {}", fail: "cannot define new methods on non-local type B"}, {code: "func (e E) Foo() {}", fail: "cannot define new methods on non-local type E"},
			{code: "import . \"bytes\"\nfunc (b Buffer) Foo() {}", fail: "line 2, column 9: undefined: Buffer"}, {code: "func (g G[T]) Get() T { return g.v }\nGI{3}.Get(), GA[string]{\"a\"}.Get()", want: "=> 3, a"}, {code: "type Loop = Loop2\ntype Loop2 = Loop\nfunc (l Loop) F() {}", fail: "invalid recursive type"}}},
		{"declarations of nothing", []step{{code: "const ()"}, {code: "type ( )\nvar ()\nimport ()\n1", want: "=> 1"}, {code: "const ( // none yet\n)\nx := 2"}, {code: "x", want: "=> 2"}}},
		{"imports of what is no package", []step{{code: "import \"\"", fail: "cell 1, line 1, column 8: invalid import path"}, {code: "import (\"fmt\"; \"\")", fail: "line 1, column 16: invalid import path"}, {code: "import \"nb/rt\"", fail: "no module of this notebook has that package"}, {code: "import \"cmd/go\"", fail: "column 8: import \"cmd/go\": it is a program, not a package to import"}}},
		{"a method of a type whose name is misspelt", []step{{code: "type Account struct{}"}, {code: "func (a Acount) Foo() {}", fail: "undefined: Acount; did you mean Account?"}}},
		{"names that an edited cell registers again", []step{
			{code: "http.HandleFunc(\"GET /b/{id}\", http.NotFound)"}, {code: "http.HandleFunc(\"GET /b/{name}\", http.NotFound)", fail: "an earlier cell took the name, which stays taken as long as the worker runs: make the mux in this cell (http.NewServeMux), or restart the kernel"},
			{code: "expvar.Publish(\"now\", expvar.Func(func() any { return 1 }))"}, {code: "expvar.Publish(\"now\", expvar.Func(func() any { return 2 }))", fail: "an earlier cell took the name, which stays taken as long as the worker runs: look the variable up first with expvar.Get"},
			{code: "zip.RegisterCompressor(99, nil)"}, {code: "zip.RegisterCompressor(99, nil)", fail: "this line ran before, and the name stays taken as long as the worker runs: register it with one archive"},
			{code: "fs := flag.NewFlagSet(\"x\", flag.ContinueOnError)\nk := fs.Int(\"k\", 1, \"\")"}, {code: "k := fs.Int(\"k\", 2, \"\")", fail: "x flag redefined: k; an earlier cell took the name"}, {code: "expvar.Publish(\"twice\", new(expvar.Int))\nexpvar.Publish(\"twice\", new(expvar.Int))", fail: "Reuse of exported var name: twice\n"},
			{code: "http.Handle(\"/f/\", http.NotFoundHandler())\nhttp.Handle(\"/f/\", http.NotFoundHandler())", fail: "/f/ matches the same requests as /f/\n  cell 10, line 2, in the cell's body\n    2 | http.Handle(\"/f/\", http.NotFoundHandler())[end]"}}},
		{"a finalizer is set again", []step{{code: "type F struct{ b [64]byte; next *F }\nf := &F{}\nruntime.SetFinalizer(f, func(*F) {})"}, {code: "runtime.SetFinalizer(f, func(*F) { panic(\"the second one\") })"}, {code: "f = nil\nfor range 100 { runtime.GC(); time.Sleep(time.Millisecond) }", want: "A goroutine of an earlier cell ended by a panic (cell 2, line 1): the second one"}}},
		{"the usage of flags", []step{{code: "n := flag.Int(\"n\", 5, \"a number\")\nflag.Parse()"}, {code: "flag.Usage()", want: "Usage of cell:\n  -n int\n    \ta number (default 5)\n"}, {code: "flag.Usage = func() { fmt.Println(\"my usage\") }"}, {code: "%args -h\nflag.Parse()", want: "my usage\n", fail: "exit status 0"}}},
		{"a file's description", []step{{code: "os.WriteFile(\"a.txt\", []byte(\"abc\"), 0o640)\nos.Chtimes(\"a.txt\", time.Unix(0, 0).UTC(), time.Unix(0, 0))\nos.Setenv(\"TZ\", \"\")\nos.Stat(\"a.txt\")", want: "=> -rw-r----- 3 19"}, {code: "fi, err := os.Stat(\"a.txt\")\n[]fs.FileInfo{fi}", want: " a.txt]"}}},
		{"the stacks of a lost worker are cut", []step{{code: "for range 300 { go func() { select {} }() }\nm := map[string]any{}\nm[\"self\"] = m\nfmt.Println(m)", want: "more lines of the stacks of goroutines]\n", fail: "fatal error: stack overflow; all variables are gone, the kernel is alive\n  cell 1, line 4\n    4 | fmt.Println(m)"}}},
		{"a command that begins almost like a name", []step{{code: "ready := true"}, {code: "!readyy", fail: "did you mean the expression (!ready)?"}, {code: "if ready {\n\t!readyy\n}", fail: "undefined: readyy; did you mean ready?", not: "braces"}, {code: "if ready {\n\t!zzz\n}", fail: "undefined: zzz\n", not: "braces"}, {code: "if ready {\n\t!ls\n}", fail: "stand outside of braces"},
			{code: "!cd /nowhere; go get a.b/c", fail: "bash"}, {code: "!go get a.b/c@v9", fail: "the command for the notebook's module is !*go get a.b/c@v9"}}},
	}...)
}
