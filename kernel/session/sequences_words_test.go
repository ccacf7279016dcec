//go:build linux

package session

// The rows use what Go 1.26 and 1.27 have added to the language, and panic in loops over functions.
func init() {
	sequences = append(sequences, []sequence{
		{"methods with type parameters", []step{
			{code: "type Box[T any] struct{ v T }\nfunc (b Box[T]) Map[U any](f func(T) U) Box[U] { return Box[U]{f(b.v)} }\nfunc (b *Box[T]) both[U any](u U) (T, U) { return b.v, u }\nb := Box[int]{3}"},
			{code: "b.Map(strconv.Itoa).Map(func(s string) int { return len(s) }).v", want: "=> 1"}, {code: "b.both(\"x\")", want: "=> 3, x"}, {code: "func (b Box[T]) Map[U any](f func(T) U) Box[U] { fmt.Println(\"anew\"); return Box[U]{f(b.v)} }"},
			{code: "f := (*Box[int]).both[string]\ng := b.Map[bool]\nf(&b, \"y\")", want: "=> 3, y"}, {code: "g(func(i int) bool { return i > 2 })", want: "anew\n=> {v:true}"}, {code: "b.Map(func(i int) any { panic(\"inner\") })", fail: "cell 4, line 1, in Box[...].Map[...]"},
			{code: "type plain struct{ xs []int }\nfunc (p plain) each[T any](f func(int) T) (all []T) { for _, x := range p.xs { all = append(all, f(x)) }; return }\nplain{[]int{1, 2}}.each(strconv.Itoa)", want: `=> ["1" "2"]`},
			{code: "reflect.TypeOf(&b).NumMethod(), reflect.TypeFor[plain]().NumMethod()", want: "=> 0, 0"}}},
		{"fields of embedded structs in literals", []step{
			{code: "type Base struct{ ID int; name string }\ntype Mid struct{ Base; n int }\ntype User struct { Mid; Mail string }\nu := User{ID: 1, name: \"n\", n: 2, Mail: \"m\"}\nu", want: "=> {Mid:{Base:{ID:1 name:n} n:2} Mail:m}"},
			{code: "j, _ := json.Marshal([]User{{ID: 5}, {name: \"q\"}})\nstring(j)", want: `=> [{"ID":5,"Mail":""},{"ID":0,"Mail":""}]`}, {code: "User{Nmae: \"x\"}", fail: "did you mean name?"}, {code: "User{IDD: 1}", fail: "did you mean ID?"}, {code: "User{Colour: 1}", fail: "its fields are Mid, Mail"},
			{code: "type Ref struct{ *Base }\nRef{ID: 1}", fail: "an embedded pointer is set as a whole"}}},
		{"new of a value", []step{
			{code: "p := new(42)\nq := new(strings.ToUpper(\"a\"))\n*p, *q", want: "=> 42, A"}, {code: "type C struct { N *int }\nc := C{N: new(3)}\n*c.N + *p", want: "=> 45"}, {code: "new := 5\nnew", want: "=> 5"}, {code: "%rm new\n*new(7)", want: "=> 7"}}},
		{"panics in loops over functions", []step{
			{code: "func count(n int) iter.Seq[int] { return func(yield func(int) bool) { for i := range n { if !yield(i) { return } } } }\nfunc walk() { for i := range count(3) { for range count(2) { if i == 1 { panic(\"here\") } } } }"},
			{code: "for range count(3) { panic(\"at once\") }", fail: "panic: at once\n  cell 2, line 1, in the cell's body\n"}, {code: "walk()", fail: "panic: here\n  cell 1, line 2, in walk\n"}}},
		{"a name that is published twice", []step{
			{code: "expvar.NewInt(\"twice\")\nexpvar.NewInt(\"twice\")", fail: "expvar.NewInt\n        expvar/expvar.go:329[end]"},
			{code: "http.HandleFunc(\"/twice\", http.NotFound)\nhttp.Handle(\"/twice\", http.NotFoundHandler())", fail: "pattern \"/twice\" (registered at cell 2:2) conflicts with pattern \"/twice\" (registered at cell 2:1)"},
			{code: "http.HandleFunc(\"GET /{a}\", http.NotFound)", fail: "pattern \"GET /{a}\" (registered at cell 3:1) conflicts with pattern \"/twice\" (registered at cell 2:1)"}, {code: "http.HandleFunc(\"{\", http.NotFound)", fail: "panic: parsing \"{\""}, {code: "func() { defer func() { fmt.Println(recover() != nil) }(); http.HandleFunc(\"\", http.NotFound) }()", want: "true\n"}}},
		{"a library's own message about nil", []step{{code: "func f(t *testing.T) { t.Run(\"a\", nil) }\ntime.AfterFunc(time.Hour, nil) != nil", want: "=> true"}, {code: "synctest.Test(nil, nil)", fail: "panic: "}}},
		{"values that can't be looked into", []step{
			{code: "func hello(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, \"one\") }\nfunc count() int { return 1 }\nsrv := httptest.NewServer(http.HandlerFunc(hello))\nn := count()\nvar err error = fmt.Errorf(\"%d\", count())"},
			{code: "func hello(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, \"two\") }\nfunc count() int { return 2 }", want: "srv (cell 1) may still hold what was made with hello of before (goroutines run, so that its value is not looked into); set srv again", not: "err (cell"}, {code: "srv.Close()"}}},
		{"benchmarks of %test", []step{
			{code: "%test -run A\nfunc TestA(t *testing.T) {}\nfunc BenchmarkA(b *testing.B) { for b.Loop() { } }", want: "PASS: TestA", not: "BenchmarkA"}, {code: "%test -run none -bench A -benchtime 1x", want: "BenchmarkA"}, {code: "%test -benchtime 1x", want: "BenchmarkA"}}},
	}...)
}
