//go:build linux && slow

package session

func init() { foreign = append(foreign, kindsForeign...) }

// kindsForeign are further sequences of TestForeign: one member of each kind that was found by trying them all.
var kindsForeign = []struct {
	name  string
	steps []step
}{
	{"an error whose text panics", []step{{code: "kept := 1\ntype E struct{ code int }\nfunc (e *E) Error() string { return fmt.Sprint(e.code) }\nfunc find() error { var e *E; return e }\nfind()", fail: "a nil *main.E in an interface, which is not equal to nil"}, {code: "func two() (int, error) { return 1, find() }\ntwo()", fail: "return nil itself"},
		{code: "panic(find())", fail: "a nil *main.E"}, {code: "type S struct{}\nfunc (S) Error() string { return []string{}[3] }\nfunc f() error { return S{} }\nf()", fail: "main.S value whose own text panics: runtime error: index out of range"}, {code: "kept", want: "=> 1"}}},
	{"an error whose text ends the goroutine", []step{{code: "kept := 1\ntype G struct{}\nfunc (G) Error() string { runtime.Goexit(); return \"\" }\npanic(G{})", fail: "runtime.Goexit"}, {code: "func f() error { return G{} }\nf()", fail: "runtime.Goexit"}, {code: "type X struct{}\nfunc (X) Error() string { os.Exit(4); return \"\" }\npanic(X{})", fail: "exit status 4"}, {code: "kept", want: "=> 1"}}},
	{"types that reflect makes are those of the code", []step{{code: "type rec struct{ Name string }\ntype num int\ntype G[T any] struct{ v T }"}, {code: "reflect.SliceOf(reflect.TypeFor[rec]()) == reflect.TypeFor[[]rec](), reflect.SliceOf(reflect.TypeFor[num]()) == reflect.TypeFor[[]num](), reflect.SliceOf(reflect.TypeFor[G[rec]]()) == reflect.TypeFor[[]G[rec]]()", want: "=> true, true, true"},
		{code: "reflect.MapOf(reflect.TypeFor[num](), reflect.TypeFor[rec]()) == reflect.TypeFor[map[num]rec](), reflect.ArrayOf(3, reflect.TypeFor[rec]()) == reflect.TypeFor[[3]rec](), reflect.ChanOf(reflect.BothDir, reflect.TypeFor[rec]()) == reflect.TypeFor[chan rec]()", want: "=> true, true, true"},
		{code: "reflect.MakeSlice(reflect.SliceOf(reflect.TypeFor[rec]()), 0, 1).Interface().([]rec)", want: "=> []"}}},
}
