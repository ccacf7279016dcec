//go:build linux

package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// foreignMagic are magics, help, showing and hints as people who are new to Go, or come from Python and IPython, type
// them, with what they expect to see.
var foreignMagic = []struct {
	name  string
	steps []step
}{
	{"one variable of the environment", []step{{code: "%env GREETING=hi there", want: "env: GREETING=hi there"}, {code: "%env GREETING", want: "hi there\n"},
		{code: "%env NOT_THERE_AT_ALL", want: "NOT_THERE_AT_ALL is not set"}, {code: "os.Getenv(\"GREETING\")", want: "hi there"}}},
	{"the whole environment, without secrets", []step{{code: "%env MY_API_KEY=abc\n%env PLAIN=shown"}, {code: "%env", want: "PLAIN=shown\n", not: "abc"}}},
	{"commands and magics that end in ?", []step{{code: "!echo name=what?", want: "name=what?\n"}, {code: "%env GREETING=hello?\n!echo in=$GREETING, x=why?", want: "in=hello?, x=why?\n"}, {code: "%time fmt.Sprint(strings.ToUpper?", want: "upper case"}}},
	{"a cell sets the environment", []step{{code: "os.Setenv(\"K_SET\", \"by Go\")"}, {code: "%env K_SET", want: "by Go\n"}, {code: "!echo shell: $K_SET", want: "shell: by Go"}, {code: "%%bash\necho bash: $K_SET", want: "bash: by Go"},
		{code: "%env K_SET=by magic\nos.Getenv(\"K_SET\")", want: "by magic"}, {code: "os.Unsetenv(\"K_SET\")"}, {code: "%env K_SET", want: "is not set"}, {code: "!echo [$K_SET]", want: "[]"}, {code: "os.LookupEnv(\"K_SET\")", want: "false"}}},
	{"a cell that fails has set the environment", []step{{code: "os.Setenv(\"K_FAIL\", \"1\")\npanic(\"later\")", fail: "later"}, {code: "!echo [$K_FAIL]", want: "[1]"}, {code: "%reset"}, {code: "os.Getenv(\"K_FAIL\")", want: "1"}, {code: "syscall.Kill(os.Getpid(), syscall.SIGKILL)", fail: "WorkerLost"}, {code: "os.Getenv(\"K_FAIL\")", want: "1"}}},
	{"GODEBUG in a cell", []step{{code: "os.Setenv(\"GODEBUG\", \"gctrace=0\")\ngo os.Exit(3)\nselect {}", fail: "exit status 3"}, {code: "strings.Contains(os.Getenv(\"GODEBUG\"), \"gctrace=0\")", want: "true"}}},
	{"a cell changes the folder", []step{{code: "err := os.Mkdir(\"below\", 0o755)\nos.Chdir(\"below\")"}, {code: "%pwd", want: "/below\n"}, {code: "!pwd", want: "/below\n"}, {code: "%%sh\npwd", want: "/below\n"}, {code: "%%writefile here.txt\nx"}, {code: "text, err := os.ReadFile(\"here.txt\")\nstring(text)", want: "x"},
		{code: "%cd -", not: "/below"}, {code: "%cd -", want: "/below\n"}, {code: "os.Chdir(\"..\"); os.RemoveAll(\"below\")"}, {code: "%reset"}, {code: "1", want: "=> 1"}}},
	{"the folder is removed", []step{{code: "os.Mkdir(\"gone\", 0o755); os.Chdir(\"gone\"); os.RemoveAll(\"../gone\")"}, {code: "%reset"}, {code: "os.Getwd()", want: "=> /"}}},
	{"quotes around a value", []step{{code: "%env WORDS=\"a  b\"\nlen(os.Getenv(\"WORDS\"))", want: "=> 4"}, {code: "%env MORE 'c d'\nos.Getenv(\"MORE\")", want: "c d", not: "'"}}},
	{"a variable with the name of a builtin", []step{{code: "max := 3"}, {code: "var s string = max", fail: "cannot use max", not: "%rm"}, {code: "max.foo", fail: "max.foo undefined", not: "%rm"},
		{code: "max(1, 2)", fail: "hides Go's own: %rm max forgets it"}}},
	{"GoNB's environment", []step{{code: "%env GONB_VERSION", want: "v0.11.5"}, {code: "os.Getenv(\"GONB_JUPYTER_ROOT\") != \"\" && os.Getenv(\"GONB_GIT_COMMIT\") != \"\"", want: "=> true"},
		{code: "!echo $GONB_VERSION", want: "v0.11.5"}}},
	{"a folder with a blank in its name", []step{{code: "!mkdir -p \"my data\"\n%cd \"my data\"", want: "my data\n"}, {code: "%pwd", want: "my data\n", not: `"`},
		{code: "%cd ..\n%cd 'my data'\nd, _ := os.Getwd()\nfilepath.Base(d)", want: "my data"}, {code: "%cd -", not: "my data"}}},
	{"a file with a blank in its name", []step{{code: "%%writefile \"my note.txt\"\nline"}, {code: "!cat 'my note.txt'", want: "line\n"}}},
	{"a value with the values of others", []step{{code: "%env K_PATH=$HOME/x:$K_NONE"}, {code: "os.Getenv(\"K_PATH\") == os.Getenv(\"HOME\") + \"/x:$K_NONE\"", want: "=> true"}, {code: "%env K_RAW='$HOME'", want: "K_RAW=$HOME"},
		{code: "%env K_BRACES=pa${k_none}w${}$$${K_RAW}x$", want: "K_BRACES=pa${k_none}w${}$$$HOMEx$\n"}, {code: "%%writefile no$k_none.txt\nx"}, {code: "!ls", want: "no$k_none.txt"}}},
	{"the folder of a user, and no words", []step{{code: "%cd -q ~root", not: "root"}, {code: "%cd -"}, {code: "!mkdir 'b c'\n%cd b\\ c", want: "b c\n"}}},
	{"%%writefile takes one file", []step{{code: "%%writefile a.txt b.txt\nx", fail: "takes one file"}, {code: "%%writefile n.txt -a\none"}, {code: "%%writefile --append n.txt\ntwo"}, {code: "!cat n.txt; ls", want: "one\ntwo\nn.txt\n"}}},
	{"scripts that may fail", []step{{code: "%%bash --no-raise-error\nfalse"}, {code: "%%bash\nfalse", fail: "exit status 1"}, {code: "%%script --out x bash\ntrue", fail: "exec.Command"}}},
	{"%run of a Go file", []step{{code: "%%writefile prog.go\npackage main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n)\n\nfunc twice(n int) int { return 2 * n }\n\nfunc main() { fmt.Println(os.Args[1:], twice(4)) }"},
		{code: "%run prog.go a \"b c\"", want: "[a b c] 8\n"}, {code: "twice(5)", want: "=> 10"}, {code: "%run none.go", fail: "no such file"}, {code: "%run x.py", fail: "!NAME"}, {code: "%%writefile bad.go\npackage main\nfunc main() { panic(\"in it\") }"}, {code: "%run bad.go", fail: "while running bad.go"}}},
	{"%load, %recall and %save", []step{{code: "x := 1"}, {code: "%recall 1", want: "<next input false x := 1>"}, {code: "%save out.go 1"}, {code: "%load out.go", want: "<next input true // %load out.go\nx := 1\n>"}, {code: "%load", fail: "needs a file"}}},
	{"%who of a type", []step{{code: "x, s := 1, \"a\"\nfunc f() {}"}, {code: "%who int", want: "x ", not: "s "}, {code: "%who func", want: "f ", not: "x "}, {code: "%reset_selective ^[fs]$\nx", want: "=> 1"}, {code: "s", fail: "undefined: s"}}},
	{"%rm is about names", []step{{code: "%rm -rf \"a b\"", want: "files are removed with !rm"}}},
	{"%time of commands", []step{{code: "%time !echo in time", want: "in time\nWall time: "}, {code: "%%time\n!echo out", want: "out\nWall time: "}, {code: "%time %pwd", want: "Wall time: "}, {code: "%time -3", want: "=> -3"}}},
	{"%timeit with IPython's options", []step{{code: "%timeit -q -o -n 2 -r 1 -p 5 1 + 1", want: "1 runs, 2 loops"}, {code: "%timeit", fail: "needs Go to run"}, {code: "%timeit !true", fail: "needs Go to run"}, {code: "%timeit -n1 -r1 -5 + 2", want: "1 loops each"}}},
	{"%test with flags", []step{{code: "%args -h"}, {code: "%test -run One\nfunc TestOne(t *testing.T) { t.Log(\"ran\") }\nfunc TestTwo(t *testing.T) { t.Fatal(\"bad\") }", want: "PASS: TestOne", not: "TestTwo"},
		{code: "%test\nfunc TestThree(t *testing.T) {}\nfunc Testable() {}\nfunc FuzzX(f *testing.F) { f.Add(1); f.Fuzz(func(t *testing.T, x int) {}) }", want: "PASS: FuzzX/seed#0"},
		{code: "%test\nfunc TestBad(x int) {}", fail: "func TestBad(t *testing.T)"}, {code: "%test -nope\nfunc TestA(t *testing.T) {}", fail: "no flag of tests"}}},
	{"the processors of tests", []step{{code: "procs := runtime.GOMAXPROCS(0)"}, {code: "%test -cpu 1,3 -bench .\nfunc TestA(t *testing.T) { t.Log(\"on\", runtime.GOMAXPROCS(0)) }\nfunc BenchmarkB(b *testing.B) { b.Log(\"on\", runtime.GOMAXPROCS(0)); b.SkipNow() }", want: "on 1\n--- PASS: TestA"},
		{code: "%test -cpu=3\nfunc TestC(t *testing.T) { t.Log(\"on\", runtime.GOMAXPROCS(0)) }", want: "on 3\n--- PASS: TestC", not: "on 1"}, {code: "%test -cpu 3,1\nfunc TestD(t *testing.T) { t.Log(\"on\", runtime.GOMAXPROCS(0)) }", want: "=== RUN   TestD\n    cell 4:2: on 1"},
		{code: "%test -bench . -cpu 2 -benchtime 1x\nfunc BenchmarkE(b *testing.B) { for b.Loop() { } }", want: "BenchmarkE-2"}, {code: "%test\nfunc TestF(t *testing.T) { if runtime.GOMAXPROCS(0) != procs { t.Fatal(procs) } }", want: "PASS: TestF"},
		{code: "%test -cpu 0\nfunc TestA(t *testing.T) {}", fail: "-cpu takes numbers of processors such as 1,2,4, not \"0\""}, {code: "%test -cpu 1,x\nfunc TestA(t *testing.T) {}", fail: "\"x\" is no number of processors"}, {code: "%test -parallel 0\nfunc TestA(t *testing.T) {}", fail: "-parallel takes a number such as 4"},
		{code: "%test\nfunc TestB(t *testing.T) { runtime.GOMAXPROCS(procs + 1) }", want: "PASS: TestB"}, {code: "runtime.GOMAXPROCS(0) == procs", want: "=> true"}}},
	{"each flag of go test", []step{{code: "const tests = 3\nvar at, most atomic.Int32\nfunc beside(t *testing.T) { t.Parallel(); most.Store(max(most.Load(), at.Add(1))); time.Sleep(time.Millisecond); at.Add(-1) }"}, {code: "%test -parallel 1 -v=false\nfunc TestA(t *testing.T) { for range tests { t.Run(\"in\", beside) } }", want: "PASS\n", not: "RUN"}, {code: "most.Load()", want: "=> 1"},
		{code: "%test -short -run 'A|B' -skip B\nfunc TestA(t *testing.T) { t.Log(testing.Short()) }\nfunc TestB(t *testing.T) {}\nfunc TestC(t *testing.T) {}", want: ": true\n--- PASS: TestA (0.00s)\nPASS"}, {code: "%test\nfunc TestA(t *testing.T) { t.Log(testing.Short()) }", want: ": false\n"}, {code: "%test -failfast\nfunc TestA(t *testing.T) { t.Fail() }\nfunc TestB(t *testing.T) {}", fail: "tests failed", not: "TestB"},
		{code: "%test -list B -bench B -benchmem\nfunc TestA(t *testing.T) {}\nfunc TestB(t *testing.T) {}\nfunc BenchmarkB(b *testing.B) {}", want: "TestB\nBenchmarkB\n", not: "TestA"}, {code: "%test -count 2 -bench . -benchmem -benchtime 3x -fullpath\nfunc TestA(t *testing.T) {}\nfunc BenchmarkB(b *testing.B) { for b.Loop() { } }", want: "allocs/op\nBenchmarkB"}, {code: "%test -race\nfunc TestA(t *testing.T) {}", fail: "-benchtime, -count, -cpu, -failfast, -fullpath, -list, -parallel, -run, -short, -shuffle, -skip, -timeout, -v"}}},
	{"a timeout of tests", []step{{code: "kept := 1"}, {code: "%test -timeout 100ms\nfunc TestSlow(t *testing.T) { <-make(chan int) }", want: "=== RUN   TestSlow", fail: "the tests timed out after 100ms"},
		{code: "%test -timeout=100ms\nfunc TestLoop(t *testing.T) { for { } }", fail: "the tests timed out after 100ms"}, {code: "%test -timeout 100ms\nfunc TestApart(t *testing.T) { t.Parallel(); time.Sleep(time.Hour) }\nfunc BenchmarkX(b *testing.B) {}", fail: "timed out"},
		{code: "%test -timeout 1h\nfunc TestQuick(t *testing.T) {}", want: "PASS: TestQuick"}, {code: "%test -timeout 5\nfunc TestQuick(t *testing.T) {}", fail: "a duration such as 90s or 5m, not \"5\""}, {code: "kept", want: "=> 1"}}},
	{"a panic in a test", []step{{code: "kept := 1"}, {code: "%test\nfunc TestPanic(t *testing.T) {\n\tpanic(\"boom\")\n}\nfunc TestSub(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { var p *int; *p = 1 }) }\nfunc TestFine(t *testing.T) {}", want: "panic: boom (cell 2, line 3)", fail: "tests failed"},
		{code: "%test\nfunc TestExit(t *testing.T) { os.Exit(3) }", want: "exit status 3\n", fail: "tests failed"}, {code: "kept", want: "=> 1"}}},
	{"%exec of a name that is none", []step{{code: "%exec nope", fail: "cell 1: undefined: nope (in the call that a magic adds to the cell)"}, {code: "%exec hello()\nfunc hello() { fmt.Println(\"hi\") }", want: "hi\n"}, {code: "%exec 5x", fail: "needs the name of a function"}}},
	{"a blank behind the %", []step{{code: "% who", fail: "without a blank"}}},
	{"%%writefile writes whole lines", []step{{code: "%%writefile lines.txt\none\ntwo"}, {code: "!wc -l < lines.txt", want: "2\n"}, {code: "%%writefile -a lines.txt\nthree"}, {code: "!wc -l < lines.txt", want: "3\n"}}},
	{"%%file is %%writefile", []step{{code: "%%file x.txt\nhello"}, {code: "!cat x.txt", want: "hello\n"}}},
	{"%%script keeps the last newline", []step{{code: "%%script wc -l\na\nb", want: "2\n"}, {code: "%%bash\nread line; read more && echo $line-$more\nx\ny"}, {code: "%%bash\ncat <<END\ntext\nEND", want: "text\n"}}},
	{"%%sh with CRLF", []step{{code: "%%sh\r\nfor i in 1 2; do\r\n  echo n$i\r\ndone\r\n", want: "n1\nn2\n"}}},
	{"CRLF in Go and magic", []step{{code: "%env A=1\r\nx := os.Getenv(\"A\")\r\nx\r\n", want: "1"}, {code: "!echo ok\r\n", want: "ok\n"}, {code: "%cd .\r\n"}}},
	{"blanks before magics", []step{{code: "  %env B=2\n\t!echo in $B\n  os.Getenv(\"B\")", want: "in 2"}, {code: "\n\n%%bash\necho below", want: "below"}}},
	{"an operator at the beginning of a line", []step{{code: "a, b := true, false\nc := a &&\n!b\nc", want: "=> true"}}},
	{"%time of a statement", []step{{code: "func f() int { return 6 }"}, {code: "%time x := f() * 7", want: "Wall time: "}, {code: "x", want: "=> 42"}, {code: "%time f()", want: "=> 6"}}},
	{"%%time of a cell", []step{{code: "%%time\ny := 5\ny + 1", want: "=> 6Wall time: "}, {code: "y", want: "=> 5"}}},
	{"%timeit of an expression", []step{{code: "xs := []int{3, 1, 2}"}, {code: "%timeit -n 100 -r 3 slices.Max(xs)", want: "per loop (mean ± std. dev. of 3 runs, 100 loops each)"},
		{code: "%timeit -n 5 xs[0] + 1", want: "of 7 runs, 5 loops each"}, {code: "%timeit -n5 -r2 len(xs)", want: "2 runs, 5 loops"}, {code: "%who", not: "timeit"}}},
	{"%%timeit of a cell", []step{{code: "%%timeit -n 10 -r 2\ns := 0\nfor i := range 100 {\n\ts += i\n}\n_ = s", want: "2 runs, 10 loops each"}, {code: "%timeit -n x f()", fail: "is no option"}}},
	{"an error in a %timeit line", []step{{code: "%timeit -n 1 undefinedName(1)", fail: "cell 1, line 1, column 14: undefined: undefinedName", not: "timeit_"}}},
	{"%%html", []step{{code: "%%html\n<b>bold</b>", want: "<display"}}},
	{"%capture of text", []step{{code: "%capture \"my out.txt\"\nfmt.Println(\"kept\")\n6 * 7", want: "kept"}, {code: "!cat 'my out.txt'", want: "kept\n42\n"}}},
	{"%capture of a picture", []step{{code: "%capture pic.txt\nimage.NewGray(image.Rect(0, 0, 3, 2))"}, {code: "!cat pic.txt; head -c 4 pic-1.png | tail -c 3", want: "[image/png: pic-1.png]\nPNG"}}},
	{"%capture -a", []step{{code: "%capture log.txt\nfmt.Println(1)"}, {code: "%capture -a log.txt\nfmt.Println(2)"}, {code: "!cat log.txt", want: "1\n2\n"}}},
	{"%%capture hides", []step{{code: "%%capture\nfmt.Println(\"quiet\")\n!echo shell", not: "quiet"}, {code: "%%capture hidden.txt\n!echo shell\nfmt.Println(\"go\")", not: "shell"}, {code: "!cat hidden.txt", want: "shell\ngo\n"}, {code: "1", want: "=> 1"}}},
	{"%rm of an unknown name", []step{{code: "x, y := 1, 2"}, {code: "%rm nothing x", want: "no name nothing"}, {code: "x", fail: "undefined: x"}, {code: "%del y"}, {code: "y", fail: "undefined: y"}}},
	{"GoNB's magics that mean nothing here", []step{{code: "%goflags -race\n1", want: "=> 1"}, {code: "%track dir\n%untrack dir\n%autoget\n%noautoget\n%goworkfix\n2", want: "=> 2"}, {code: "%wasm\n3", want: "=> 3"}, {code: "%goflags", want: "fixed"}}},
	{"IPython's magics that mean nothing here", []step{{code: "%matplotlib inline\n1", want: "=> 1"}, {code: "%load_ext autoreload\n%autoreload 2\n2", want: "=> 2"}, {code: "%pip install numpy", want: "!*go get"}}},
	{"%lsmagic", []step{{code: "%lsmagic", want: "%timeit"}}},
	{"%help once", []step{{code: "%help", want: "\n  %timeit, %%timeit"}, {code: "%help time", want: "%time, %%time [CODE]", not: "%rerun"}, {code: "%help %%writefile", want: "%%writefile", not: "%rerun"}, {code: "%help strings.ToUpper", want: "ToUpper(s string) string", not: "%rerun"}, {code: "%help nosuch", fail: "no name nosuch"}, {code: "%help time?", want: "%time, %%time", not: "%rerun"}}},
	{"commands in braces with signs that Go lacks", []step{{code: "if true {\n\t!echo $HOME\n}", fail: "stand outside of braces"}, {code: "func f() {\n\t!echo 'abc'\n}", fail: "stand outside of braces"}, {code: "for range 2 {\n\t!ls *.go | grep \"x\n}", fail: "stand outside of braces"},
		{code: "for range 2 {\n\t!echo #hi\n}", fail: "stand outside of braces"}, {code: "func f() {\n\t!make `date`\n}", fail: "stand outside of braces"}, {code: "ok := true\nif ok ||\n\t!ok && \"a {\n}", fail: "not terminated (the closing"}}},
	{"syntax errors under %timeit are about the text", []step{{code: "%timeit x :=", fail: "expected operand, found the end of the cell"}, {code: "%%timeit x :=\nx++", fail: "found '++'"}, {code: "%timeit -n 2 )", fail: "expected statement, found ')'"}}},
	{"all magics of IPython", []step{{code: "%alias_magic a b\n%autoawait\n%code_wrap\n%lf\n%lk\n%lx\n%ldir\n%micromamba list\n%uv pip list\n%paste\n%cpaste\n1", want: "=> 1"}, {code: "%%sx\necho $((3*4))", want: "12\n"}, {code: "%%system\necho b", want: "b\n"}, {code: "%%!\necho c", want: "c\n"}, {code: "%%prun\nx := 1", want: "without that line"}, {code: "%%debug\nx := 1", want: "without that line"}}},
	{"names with quotes in %env", []step{{code: "%env \"A B\"=c", fail: "without blanks and quotes"}, {code: "%env 'A'=c", fail: "without blanks and quotes"}, {code: "%env \"A\" c", fail: "without blanks and quotes"}, {code: "%env A=\"b c\"", want: "env: A=b c"}}},
	{"more forms of other languages", []step{{code: "len(\"a\") ** 2", fail: "math.Pow(x, y)"}, {code: "x := 3\nx **= 2", fail: "math.Pow(x, y)"}, {code: "x ** (1 + 1)", fail: "math.Pow(x, y)"}, {code: "x = function() {}", fail: "written func(x int) int"}, {code: "type P struct{ X int }\np := new P", fail: "written new(P), or &P{...}"}, {code: "p := new P()", fail: "a value is written T{...}"},
		{code: "func F() {\n\tfunc G() {}\n}", fail: "G := func(x int) int"}, {code: "func F() { func G(a int) int { return a } }", fail: "G := func(x int) int"}, {code: "if true { } elif false { }", fail: "} else if condition {"}, {code: "elseif", fail: "in Go: else if"}, {code: "pub fn f() {}", fail: "func f(x int) int"}, {code: "3 as f64", fail: "converted with its type"}, {code: "v := vec![1, 2]", fail: "[]int{1, 2, 3}"}, {code: "var i any = 5\ni + 1", fail: "x.(int)"}}},
	{"a cell magic as a line", []step{{code: "%bash", fail: "%%bash in its first line"}, {code: "1\n%%bash", fail: "must be in the first line"}, {code: "%%cd /tmp", fail: "for a line"}}},
	{"a near magic", []step{{code: "%tmie", fail: "did you mean %time?"}, {code: "%%writefle x", fail: "did you mean %%writefile?"}}},
	{"a shell program as magic", []step{{code: "%grep x y", fail: "!grep x y"}}},
	{"a command in the background", []step{{code: "!(sleep 1; echo later > later.txt) &\n!echo now", want: "now"}, {code: "!while [ ! -f later.txt ]; do sleep 0.05; done; cat later.txt", want: "later"}}},
	{"%history", []step{{code: "a := 1"}, {code: "a + 1", want: "=> 2"}, {code: "%hist 1", want: "[1] a := 1"}, {code: "%history", want: "[2] a + 1"}, {code: "undefinedName", fail: "undefined"}, {code: "%history 5-", want: "[5] undefinedName"}, {code: "%history -l 1 -n", want: "[6] %history 5-", not: "[5]"}, {code: "%history -g \"a + 1\"", want: "[2]", not: "[1]"},
		{code: "%history -l -g := -u", want: "[1] a := 1", not: "[2]"}, {code: "a + 1"}, {code: "%history -l -u", not: "[10]"}, {code: "%history -l -f", fail: "-f needs a value"}, {code: "%history -g -u", fail: "-g needs a value"}, {code: "%rerun 5", fail: "no cell 5 ran"}}},
	{"%args with quotes", []step{{code: "%args --text=\"hello world\" -v\nlen(os.Args)", want: "=> 3"}, {code: "os.Args[1]", want: "hello world"}}},
	{"power", []step{{code: "x := 3"}, {code: "x ** 2", fail: "math.Pow(x, 2)"}}},
	{"names change places", []step{{code: "x, y := \"a\", 5"}, {code: "x, y := y, x"}, {code: "x, y", want: "=> 5, a"}, {code: "x := x"}, {code: "y := []string{y}\nz := y"}, {code: "fmt.Sprint(x, y, z)", want: "5 [a] [a]"}, {code: "aaa, bbb := 1, 2"}, {code: "aaa, bbb", want: "=> 1, 2"}}},
	{"a printing function of a dot import", []step{{code: "import . \"fmt\"\nPrintln(\"one\")", want: "one\n", not: "=>"}}},
	{"a byte order mark", []step{{code: "\ufefffmt.Println(\"after it\")", want: "after it"}}},
	{"a variable named like a package", []step{{code: "fmt := \"shadow\""}, {code: "fmt.Println(1)", fail: "fmt of cell 1 hides the package: %rm fmt"}, {code: "%rm fmt\nfmt.Println(1)", want: "1\n"}}},
	{"C and JavaScript", []step{{code: "int z = 5;", fail: "z := 5"}, {code: "for (int i = 0; i < 3; i++) { }", fail: "no parentheses"}, {code: "var y: int = 5", fail: "var y int"}, {code: "if 1 == 1\n{\n}", fail: "the { stands at the end of that line"}, {code: "else { }", fail: "} else {"},
		{code: "throw 5", fail: "panic("}, {code: "func(x) => x + 1", fail: "func(x int) int"}, {code: "a := 1\n++a", fail: "statements of their own"}}},
	{"lists, maps and texts of Python", []step{{code: "x := [1, 2, 3]", fail: "[]int{1, 2, 3}"}, {code: "[1, 2]", fail: "[]int{1, 2, 3}"}, {code: "{\"a\": 1}", fail: "map[string]int"}, {code: "\"ab\" * 3", fail: "strings.Repeat"}, {code: "for i in range(3): print(i)", fail: "for i := range 3 { ... }"}, {code: "n := 1\nn == nil", fail: "can be nil"}}},
	{"commands without a mark", []step{{code: "ls -la", fail: "!ls -la"}, {code: "pip install x", fail: "!pip install x"}, {code: "cd /tmp", fail: "%cd /tmp"}, {code: "go get example.com/x", fail: "!*go"}}},
	{"quotes of a word processor", []step{{code: "fmt.Println(\u2018a\u2019)", fail: "straight quotes"}, {code: "x := 5\u00a0+ 1", fail: "no-break space"}}},
	{"None, True, False, null", []step{{code: "var err error\nerr == None", fail: "undefined: None (in Go: nil)"}, {code: "True", fail: "in Go: true", not: "did you mean"}, {code: "ok := False", fail: "in Go: false"}, {code: "null", fail: "nil"}}},
	{"print with a format", []step{{code: "x := 1\nprint(f\"x is {x}\")", fail: "fmt.Sprintf"}, {code: "print \"hello\"", fail: "fmt.Println(x)"}}},
	{"print of a slice", []step{{code: "print(time.Now())", fail: "fmt.Println prints any value"}}},
	{"imports without quotes", []step{{code: "import fmt", fail: "import \"fmt\""}, {code: "import numpy as np", fail: "import np \"numpy\""}, {code: "from math import sqrt", fail: "in quotes"}}},
	{"a type in place of a value", []step{{code: "http.Client", fail: "it is a type, not a value; a value is written http.Client{}"}, {code: "tlkit.Transfer", fail: "tlkit.Transfer{}"}, {code: "time.Duration", fail: "time.Duration(x)"}}},
	{"methods of lists", []step{{code: "xs := []int{1}\nxs.append(2)", fail: "xs = append(xs, x)"}, {code: "xs := []int{1}\nxs.len()", fail: "len(x)"}, {code: "s := \"a\"\ns.upper()", fail: "strings.ToUpper"}}},
	{"negative index", []step{{code: "xs := []int{1, 2}\nxs[-1]", fail: "x[len(x)-1]"}}},
	{"def and loops", []step{{code: "def f(x):\n    return x", fail: "func f("}, {code: "for i in range(10):\n    fmt.Println(i)", fail: "for i := range 10 {"}, {code: "xs := []int{1}\nfor x in xs:\n    pass", fail: "for _, x := range xs {"}, {code: "while true {\n}", fail: "for condition"}}},
	{"and, or, not", []step{{code: "a, b := true, false\na and b", fail: "&&"}, {code: "not true", fail: "&&, ||, !"}}},
	{"comments and quotes", []step{{code: "# a comment", fail: "begins with //"}, {code: "s := 'hello'", fail: "between double quotes"}}},
	{"Python's functions", []step{{code: "str(5)", fail: "fmt.Sprint(x)"}, {code: "int(\"5\")", fail: "strconv.Atoi"}, {code: "xs := []int{1}\nsorted(xs)", fail: "slices.Sort"}, {code: "type(5)", fail: "%T"}}},
	{"assignment to a new name", []step{{code: "count = 5", fail: "declared with count := value"}}},
	{"numbers that don't mix", []step{{code: "n, f := 1, 2.5\nn * f", fail: "float64(n)"}, {code: "\"a\" + 1", fail: "line 1"}}},
	{"no far suggestions", []step{{code: "zorkmid(1)", fail: "undefined: zorkmid", not: "did you mean"}, {code: "torch", fail: "undefined: torch", not: "did you mean"}, {code: "counter := 1\ncountr", fail: "did you mean counter?"}, {code: "strngs.ToUpper(\"a\")", fail: "did you mean strings?"}}},
	{"an endless image", []step{{code: "image.White", want: "=> *image.Uniform of {65535}, without end, shown as 64x64"}, {code: "image.Rect(0, 0, 2, 3)", want: "=> (0,0)-(2,3)"}}},
	{"texts that look like something else", []step{{code: "fmt.Sprint(42)", want: `=> "42"`}, {code: "\"\"", want: `=> ""`}, {code: "strings.Fields(\"a b\")", want: "=> [a b]"}, {code: "[]string{\"a b\", \"c\"}", want: `=> ["a b" "c"]`}}},
	{"tables", []step{{code: "type row struct { Name string; n int }\n[]row{{\"a\", 1}, {\"b\", 2}}", want: "=> [{Name:a n:1} {Name:b n:2}]"}, {code: "[]*row{{strings.Repeat(\"long\", 20), 1}}", want: "   Name  "}}},
	{"JSON", []step{{code: "json.Marshal(map[string]int{\"a\": 1})", want: "=> {\n  \"a\": 1\n}"}}},
	{"a large slice", []step{{code: "make([]int, 50_000_000)", want: "… and 49999000 more]"}}},
	{"gonum's matrices and plots", []step{{code: "import \"gonum.org/v1/gonum/mat\"\nmat.NewDense(2, 2, []float64{1, 2, 3, 4})", want: "=> *mat.Dense 2x2\n   0  1\n0  1  2\n1  3  4"}}},
	{"a plot of gonum", []step{{code: "import \"gonum.org/v1/plot\"\np := plot.New()\np.Title.Text = \"curve\"\np", want: "=> *plot.Plot"}}},
	{"pictures in a slice", []step{{code: "[]image.Image{image.NewGray(image.Rect(0, 0, 3, 2)), image.Black}", want: "=> []image.Image of 2: 3x2"}}},
	{"a value with HTML", []step{{code: "type note struct{}\nfunc (note) HTML() string { return \"<b>hi</b>\" }\nfunc (note) String() string { return \"hi\" }\nnote{}", want: "=> hi"}}},
	{"help on a name", []step{{code: "// Twice doubles.\nfunc Twice(x int) int { return 2 * x }\nn := 5"}, {code: "Twice?", want: "return 2 * x"}, {code: "?n", want: "var n int"},
		{code: "strings.ToUpper??", want: "ToUpper returns s with"}, {code: "nowhere?", fail: "no name nowhere"}, {code: "len?", want: "The len built-in function"}}},
	{"%reset with a typo", []step{{code: "x := 1"}, {code: "%reset goo.mod", fail: "not \"goo.mod\""}, {code: "%reset sf", fail: "not \"sf\""}, {code: "%reset -", fail: "not \"-\""}, {code: "%reset -f s", fail: "not \"-f s\""}, {code: "x", want: "=> 1"},
		{code: "%reset -f -s", want: "are gone"}, {code: "x", fail: "undefined"}}},
}

// TestForeignMagic runs them, each with a fresh worker and folder.
func TestForeignMagic(t *testing.T) {
	s := newSession(t)
	if err := s.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, seq := range foreignMagic {
		t.Run(seq.name, func(t *testing.T) {
			dir := filepath.Join(s.cfg.WorkDir, "foreign", string(rune('a'+i%26))+string(rune('a'+i/26)))
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			s.env.changed(nil, nil, dir)
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

// check holds what a cell showed, and its error, against the step.
func (st step) check(t *testing.T, n int, err *Error, shown string) {
	t.Helper()
	failure := ""
	if err != nil {
		failure = ansi.ReplaceAllString(err.Name+"\n"+err.Value+"\n"+strings.Join(err.Traceback, "\n"), "")
	}
	if (st.fail == "") != (err == nil) || !strings.Contains(failure, st.fail) || !strings.Contains(shown, st.want) ||
		st.not != "" && strings.Contains(shown+failure, st.not) {
		t.Fatalf("cell %d\n%s\nshowed\n%s\nand failed with\n%s\nwant %q shown, %q in the failure, and not %q", n, st.code, shown, failure, st.want, st.fail, st.not)
	}
}
