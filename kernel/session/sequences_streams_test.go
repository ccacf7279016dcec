//go:build linux

package session

// Standard streams that a cell has closed.
func init() {
	sequences = append(sequences, []sequence{
		{"a cell that closes stdout and stderr", []step{
			{code: "func report(w io.WriteCloser) { defer w.Close(); fmt.Fprintln(w, \"report\") }\nout := os.Stdout\nreport(os.Stdout)", want: "report"},
			{code: "for i := range 3 { fmt.Println(i) }\nexec.Command(\"echo\", \"x\").Run()\nfmt.Fprintln(out, \"kept\")", want: "0\n1\n2\nkept"},
			{code: "os.Stderr.Close()\nos.Stdout.Close()\nf, err := os.Create(\"taken.txt\")\n_, err = fmt.Println(\"lost\")\nerr", want: "already closed"}, {code: "log.Println(\"logged\")\nprintln(\"built in\")", want: "logged"},
			{code: "fmt.Println(\"there\")\nfmt.Fprintln(f, \"in the file\")\nfmt.Println(f.Close())\nb, _ := os.ReadFile(\"taken.txt\")\nstrings.HasSuffix(string(b), \"in the file\\n\")", want: "there\n<nil>\n=> true"},
			{code: "syscall.Close(1)\nsyscall.Close(2)"}, {code: "println(\"built in\")\nfmt.Println(\"there\")", want: "there"}, {code: "runtime.GC()\nfmt.Println(\"there\")", want: "there"},
			{code: "println(\"built in\")", want: "built in"}}},
		{"a pipe in the place of stdout that is closed", []step{
			{code: "r, w, _ := os.Pipe()\nold := os.Stdout\nos.Stdout = w\nfmt.Print(\"piped\")\nw.Close()\nb, _ := io.ReadAll(r)\nstring(b)", want: "=> piped"}, {code: "fmt.Println(os.Stdout == old)", want: "true"},
			{code: "os.Stdout = nil"}, {code: "fmt.Println(1);\nos.Stdout == nil", want: "=> true"}}},
		{"a cell that closes stdin", []step{
			{code: "f := os.Stdin\nin := bufio.NewScanner(f)\ndefer f.Close()"}, {code: "var s string\nfmt.Scanln(&s)\ns", input: []string{"hello"}, want: "=> hello"},
			{code: "in2 := bufio.NewScanner(f)\nin2.Scan()\nin2.Text()", input: []string{"again"}, want: "=> again"},
			{code: "syscall.Close(0)"}, {code: "f, err := os.Open(\"/dev/null\")\nf.Fd() > 2", want: "=> true"}, {code: "fmt.Scanln(&s)\ns", input: []string{"third"}, want: "=> third"}}},
	}...)
}
