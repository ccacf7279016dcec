//go:build linux

package session

// Lines as other languages break them, and names in a role that they don't have.
func init() {
	sequences = append(sequences, []sequence{
		{"lines that begin with a sign", []step{
			{code: "r := strings.NewReplacer(\"a\", \"b\")\n\t.Replace(\"aa\")", fail: "line 2, column 2: expected statement, found '.' (a chain is broken behind a dot: the line before ends with it)"},
			{code: "a := true\n  && false", fail: "broken behind a sign such as &&: the line before ends with it"}, {code: "z := 6\n  / 7", fail: "such as /:"}, {code: "z := 6\n  * 7", fail: "such as *:"}, {code: "z := 6\n* 7", fail: "such as *:"},
			{code: "if true\n  || false {\n}", fail: "such as ||:"}, {code: "x\n  *= 5", fail: "such as *=:"}, {code: "q := true\n  ? 1\n  : 2", fail: "no conditional expression"}, {code: "var p **int\n*p = 3", fail: "cannot use 3", not: "broken"},
			{code: "y := 1\n  + 2", want: "goes on in the next line where the line before ends with +"}, {code: "y, z := 1, 2\n\t- y", want: "ends with -"}, {code: "y", want: "=> 1"}, {code: "y = 2\n-y", want: "=> -2", not: "goes on"}, {code: "y = 3 +\n  2\ny", want: "=> 5", not: "goes on"},
			{code: "y = 4\n\n  +y", want: "=> 4", not: "goes on"}}},
		{"stars and dots in calls", []step{
			{code: "xs, m := []int{1, 2}, map[string]int{}\nf := func(a, b int) int { return a + b }"},
			{code: "print(*xs)", fail: "fmt.Println(xs) prints all of it; the elements are handed to a last parameter ...T with f(xs...)"}, {code: "f(*xs)", fail: "f(xs...)"}, {code: "f(**m)", fail: "no named arguments"}, {code: "f(xs...)", fail: "one by one: f(xs[0], xs[1])"},
			{code: "fmt.Println(xs...)", fail: "fmt.Println(xs) takes it as one value"}, {code: "f(a: 1)", fail: "Go has no named arguments: f(a, b)"}, {code: "p := P(X: 1)", fail: "a struct is written with braces: P{Field: value}"}}},
		{"texts side by side", []step{{code: "'a' 'b'", fail: "joined with +"}, {code: "s := \"a\" \"b\"", fail: "joined with +"}, {code: "fmt.Println(\"x\" \"y\")", fail: "joined with +"}, {code: "'hello'", fail: "a string stands between double quotes"}}},
		{"functions that Python has for its own names", []step{
			{code: "eval(\"1\")", fail: "a cell's text is the program"}, {code: "exec(\"x = 1\")", fail: "exec.Command"}, {code: "globals()", fail: "%whos"}, {code: "locals()", fail: "%whos"}, {code: "if __name__ == \"__main__\" { }", fail: "main()"}, {code: "dir(1)", fail: "a Tab after x."},
			{code: "x := 1\ntype(x)", fail: "%T"}, {code: "isinstance(1, int)", fail: "x.(T)"}, {code: "help(fmt)", fail: "x? (help on x)"}, {code: "hasattr(1, \"a\")", fail: "interface{ Method() }"}, {code: "%tensorboard --logdir runs\n1", want: "=> 1"}, {code: "list(\"abc\")", fail: "[]int{1, 2, 3}"}}},
		{"a type as a value", []step{
			{code: "type N = int\ntype I interface{ M() }\ntype S struct{}\ntype F func()"}, {code: "N", fail: "N (type) is not an expression; it is a type, not a value; a value is written N(x)"}, {code: "I", fail: "a value is written var x I"}, {code: "1, S", fail: "column 4: S (type) is not an expression; it is a type, not a value; a value is written S{}"},
			{code: "F", fail: "var x F"}, {code: "interface{}", fail: "a variable of it is declared with var x interface{}"}, {code: "func(int) string", fail: "var x func(int) string"}, {code: "any", fail: "var x any"}, {code: "*int", fail: "new(int)"}, {code: "int", fail: "is written int(x)"},
			{code: "[]int", fail: "is written []int{}"}, {code: "map[string]int", fail: "map[string]int{}"}, {code: "io.Reader", fail: "var x io.Reader"}, {code: "time.Time", fail: "time.Time{}"}, {code: "int* p = 5", fail: "p := 5"}}},
		{"a function with type parameters, or a package, as a value", []step{
			{code: "func G[T any](x T) T { return x }"}, {code: "G", fail: "column 1: cannot use generic function G without instantiation"}, {code: "1, G", fail: "column 4: cannot use generic function G without instantiation"}, {code: "slices.Max, 1", fail: "generic function slices.Max without"},
			{code: "fmt", fail: "use of package fmt without selector; fmt? shows its help"}, {code: "1, strings", fail: "use of package strings without selector"}, {code: "fmt := 1\nfmt", want: "=> 1"}}},
		{"an iterator that is not called", []step{
			{code: "seq := func() iter.Seq[int] { return slices.Values([]int{1}) }\nsome := func(n int) iter.Seq2[int, int] { return slices.All([]int{n}) }"}, {code: "for i := range seq { }", fail: "is called: range seq()"}, {code: "for i := range some { }", fail: "range some(...)"},
			{code: "for x := range slices.Values { }", fail: "range slices.Values(xs)"}, {code: "for l := range strings.Lines { }", fail: "range strings.Lines(...)"}}},
		{"new names behind a semicolon", []step{
			{code: "x := 1; y = 5; fmt.Println(y)", fail: "y := value"}, {code: "if true { z = 5 }", fail: "z := value"}, {code: "for i := range 3 { total += i }", fail: "declared first: total := value"}, {code: "n++", fail: "declared first: n := value"}, {code: "x := 1;", not: "=>"}, {code: "x := 1; y =", fail: "found the end of the cell"}}},
		{"an expression behind !", []step{
			{code: "x := 1"}, {code: "!(x == 1)", fail: "an expression of Go is written in brackets, (!(x == 1))"}, {code: "(!(x == 1))", want: "=> false"}, {code: "!strings.Contains(\"a\", \"b\")", fail: "(!strings.Contains(\"a\", \"b\"))"}, {code: "!(nothing == 1)", fail: "bash", not: "brackets"}, {code: "!(exit 3)", fail: "exit status 3", not: "brackets"}}},
		{"literals and declarations of other languages", []step{
			{code: "x := []{1, 2}", fail: "[]int{1, 2, 3}"}, {code: "x := map[string]{\"a\": 1}", fail: "the type of the values stands before the brace"}, {code: "x := map{\"a\": 1}", fail: "written with its types"}, {code: "x := map<string,int>{}", fail: "written with its types"}, {code: "x := []int(1, 2)", fail: "between braces: []int{1, 2, 3}"},
			{code: "x := int[]{1, 2}", fail: "a list's type is []int"}, {code: "[1,2,3][::-1]", fail: "[]int{1, 2, 3}"}, {code: "c(1, 2)", fail: "[]int{1, 2, 3}"}, {code: "func f(x int): int { return x }", fail: "follows without a colon"}, {code: "func f(x) { return x }", fail: "func f(x int)"},
			{code: "x := 5\nf := func(x) { x }", fail: "parameters have types: func(x int)"}, {code: "f := (x int) { return x }", fail: "a function without a name"}, {code: "for x < 5: { }", fail: "without a colon"}, {code: "foreach x in xs { }", fail: "for _, x := range xs"}, {code: "x := 1\nswitch x {\n1: fmt.Println(1)\n}", fail: "begins with case"},
			{code: "var x = int 5", fail: "int(5)"}, {code: "int x := 5", fail: "x := 5"}, {code: "val x = 5", fail: "x := value"}, {code: "$x", fail: "letters, digits"}, {code: "x := 1\nx =< 5", fail: "the sign is <="}, {code: "use strings", fail: "import \"strings\""}}},
		{"an alias in the place of a type with methods", []step{
			{code: "type T struct{ a int }"}, {code: "type G[E any] struct{ v E }\nfunc (g G[E]) Get() E { return g.v }"}, {code: "type G = T", want: "G.Get (cell 2) does not compile any more: G is another name of T"}, {code: "G{1}", want: "=> {a:1}"},
			{code: "type C int\nfunc (c C) String() string { return \"c\" }\nfunc (c *C) set() { *c = 1 }"}, {code: "type C = T", want: "C.String is stale"}, {code: "C{2}", want: "=> {a:2}"}, {code: "type C int\nC(3)", want: "=> c"},
			{code: "type D struct{}\nfunc (d D) m() int { return 7 }\ntype E = D"}, {code: "type D = *T", want: "D.m is stale"}, {code: "D(nil)", want: "=> <nil>"}, {code: "type B struct{}\nfunc (b B) n() {}"}, {code: "type A = T\ntype B = A", want: "B.n is stale"}, {code: "B{3}.a", want: "=> 3"}}},
		{"embedded aliases of a generic type of another cell", []step{
			{code: "type E[T any] struct{ v T }"}, {code: "type Eint = E[int]\ntype Ebool = E[bool]"}, {code: "type S2 struct {\n\tEint\n\t*Ebool\n\tv string\n}"}, {code: "s := S2{Eint{3}, &Ebool{true}, \"foo\"}\ns.Eint.v, s.Ebool.v, s.v", want: "=> 3, true, foo"},
			{code: "type Any = any\ntype Err = error"}, {code: "type S3 struct { Any; Err }\nS3{1, io.EOF}.Any", want: "=> 1"}, {code: "func (s S2) sum() int { return s.Eint.v + len(s.v) }\ns.sum()", want: "=> 6"}}},
		{"a folder as an import path", []step{{code: "import \"./amod\"\n1", fail: "column 8: import \"./amod\": a folder is no import path; one with a go.mod is imported by its module's name, NAME, after !*go mod edit -replace NAME=./amod"}, {code: "import \"../b\"\n1", fail: "NAME=../b"}, {code: "import \"/tmp/c\"\n1", fail: "NAME=/tmp/c"},
			{code: "!*echo garbage >> go.mod", fail: "can't be used: go: errors parsing go.mod"}}},
		{"a list that closes a bracket that it did not open", []step{{code: "0,)(", fail: "line 1"}, {code: "1, 2)(3", fail: "line 1"}, {code: "1, 2), f(3", fail: "line 1"}, {code: "1, 2) + (3", fail: "line 1"}, {code: "1, 2)[0", fail: "line 1"}, {code: "(1), (2)", want: "=> 1, 2"}, {code: "1, len([]int{2, 3})", want: "=> 1, 2"}}},
		{"words of the language, and constants without room", []step{{code: "for?", want: "for i := range 10"}, {code: "?func", want: "func add(a, b int) int"}, {code: "math.MaxUint64", fail: "overflows int; convert it to uint64"}, {code: "1, 1 << 63", fail: "convert it to uint64"}, {code: "1 << 70", fail: "for instance to float64"},
			{code: "func f() int { return 4 } f()", fail: "behind a } a new line begins, or a ;"}}},
		{"functions, types and constants of the cell that ends the worker", []step{
			{code: "base := 1\nfunc old() int { return 1 }"}, {code: "type T struct{ n int }\nfunc (t T) twice() int { return 2 * t.n }\nfunc use() int { return base + own }\nfunc old() int { return k }\nconst k = 5\nown := 3\nvar t T\nsyscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}", fail: "Functions, types and constants are there again"},
			{code: "T{4}.twice(), k, old()", want: "=> 8, 5, 5"}, {code: "use()", fail: "use is back when base (cell 1)"}, {code: "own", fail: "undefined: own"}, {code: "base, own := 10, 20\nuse()", want: "=> 30"}, {code: "func init() { base++ }\nsyscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}", fail: "there again"}, {code: "old()", want: "=> 5"}}},
		{"commands of a shell by their name alone", []step{{code: "ls", fail: "begins with !: !ls"}, {code: "pwd", fail: "!pwd"}, {code: "nvidia-smi", fail: "!nvidia-smi"}, {code: "man ls", fail: "!man ls"}, {code: "sudo apt install x", fail: "!sudo apt install x"}}},
	}...)
}
