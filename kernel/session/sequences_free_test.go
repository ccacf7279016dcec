//go:build linux

package session

// heap is the cell that measures the memory in use, in MiB.
const heap = "func heap() uint64 { runtime.GC(); var m runtime.MemStats; runtime.ReadMemStats(&m); return m.HeapAlloc >> 20 }"

// More sequences: the memory of names that are gone. Its last users must be gone too.
func init() {
	sequences = append(sequences, []sequence{
		{"memory of removed names", []step{{code: heap + "\nbig := make([]byte, 300<<20)"}, {code: "heap() > 290", want: "=> true"}, {code: "%rm big\nheap() < 100", want: "=> true"},
			{code: "xs := make([]int, 40<<20)\nfor i := range xs { xs[i] = i % 7 }\nsort.Slice(xs[:9], func(i, j int) bool { return xs[i] < xs[j] })\nsum := func() (s int) { for _, x := range xs { s += x }; return }()\nvar wg sync.WaitGroup\nwg.Go(func() { xs[0] = 1 })\nwg.Wait()\nfilepath.WalkDir(\".\", func(string, fs.DirEntry, error) error { xs[0]++; return nil })\nxs[0] = 0\nlen(xs), xs[1:2], &xs[0] != nil", want: "=> 41943040, [0], true"},
			{code: "%reset_selective xs\nheap() < 100", want: "=> true"}}},
		{"memory of names that are declared again", []step{{code: heap + "\nbig := make([]byte, 300<<20)\ntype T struct{ data []byte }\nt := &T{make([]byte, 300<<20)}\nm := map[string][]byte{\"a\": make([]byte, 300<<20)}"}, {code: "big := \"small\"\nfunc m() {}"}, {code: "heap() < 350", want: "=> true"},
			{code: "type T struct { data []byte; n int }", want: "t is stale"}, {code: "heap() < 100, big", want: "=> true, small"}, {code: "len(t.data)", fail: "set t again without the rest of cell 1"}}},
		{"memory of names that functions use", []step{{code: heap + "\nbig := make([]byte, 300<<20)\nfunc size() int { return len(big) }\nfunc twice() int { return 2 * size() }\nm := size()\ngo func() { size() }()\ndefer func() { _ = twice() }()"}, {code: "var big string\nheap() < 100, twice()", want: "=> false, 0"}, {code: "heap() < 100", want: "=> true"},
			{code: "big := make([]byte, 300<<20)"}, {code: "%rm big\nheap() < 100", want: "=> true"}}},
		{"memory under a new version of its type", []step{{code: heap + "\ntype T struct{ data []byte }\nt := T{make([]byte, 300<<20)}"}, {code: "func (t T) size() int { return len(t.data) >> 20 }"}, {code: "t.size(), heap() > 290", want: "=> 300, true"}, {code: "%rm t\nheap() < 100", want: "=> true"}}},
		{"memory of an array", []step{{code: "func pages() int { b, _ := os.ReadFile(\"/proc/self/statm\"); n, _ := strconv.Atoi(strings.Fields(string(b))[1]); return n * os.Getpagesize() >> 20 }\nvar a [300 << 20]byte\nfor i := range a { a[i] = 1 }\nbefore := pages()"}, {code: "%rm a\nbefore - pages() > 290", want: "=> true"}}},
		{"memory of texts that are written", []step{{code: heap + "\nvar b bytes.Buffer\nvar s strings.Builder\nfor range 150 { b.Write(make([]byte, 1<<20)); s.WriteString(strings.Repeat(\"x\", 1<<20)) }\nb.Len(), s.Len()", want: "=> 157286400, 157286400"}, {code: "%rm b s\nheap() < 100", want: "=> true"},
			{code: "var b bytes.Buffer\nb.WriteString(\"kept\")\nw, write := io.Writer(&b), b.WriteString\nread := make(chan string)\nlater := make(chan bool)\ngo func(f func(string) (int, error)) { <-later; f(\"!\"); read <- \"\" }(b.WriteString)"}, {code: "%rm b"}, {code: "runtime.GC()\nwrite(\" on\")\nlater <- true\n<-read\nfmt.Sprint(w)", want: "=> kept on!"}}},
		{"what pointers reach stays", []step{{code: "x, s, a := 5, struct{ in struct{ n int } }{}, [3]string{\"a\", \"b\", \"c\"}\np, q, part, elem := &x, &s.in.n, a[:2], &a[2]\ntype C struct{ n []int }\nfunc (c *C) add() *C { c.n = append(c.n, 7); return c }\ncs := [2]C{}\nc := cs[1].add()\nadd := cs[0].add"},
			{code: "*q = 6\n%rm x s a cs"}, {code: "runtime.GC()\n*p, *q, part, *elem, c.n, add().n", want: "=> 5, 6, [a b], c, [7], [7]"}}},
		{"what functions that are values use stays", []step{
			{code: "n, m, k, l, o := \"n\", \"m\", \"k\", \"l\", \"o\"\ntype T struct{}\nfunc (T) String() string { return m }\nvar t fmt.Stringer = T{}\nfunc inner() string { return k }\nfunc outer() string { return inner() }\nfunc again[E any](E) string { return l }\nf, g, h := func() string { return n }, outer, again[int]\nfired := make(chan string, 1)\ntimer := time.AfterFunc(time.Hour, func() { fired <- o })"},
			{code: "%rm n m k l o"}, {code: "x := 1"}, {code: "timer.Reset(0)\nf(), t.String(), g(), h(1), <-fired", want: "=> n, m, k, l, o"}}},
		{"what functions that are elements use stays", []step{
			{code: "x, y, z := []int{1, 2, 3}, \"y\", \"z\"\nfs := slices.Insert([]func() int(nil), 0, func() int { return len(x) })\ngs := slices.Replace([]func() string{nil}, 0, 1, func() string { return y })\nhs := slices.Insert([]any{}, 0, any(func() string { return z }))"},
			{code: "%rm x y z"}, {code: "runtime.GC()\nfs[0](), gs[0](), hs[0].(func() string)()", want: "=> 3, y, z"}}},
		{"what a goroutine uses is freed after its end", []step{{code: heap + "\nbig := make([]byte, 300<<20)\nin, out := make(chan bool), make(chan int)\nfunc size() { for range in { out <- len(big) >> 20 } }\ngo size()\ngo func() { in <- true }()\n<-out", want: "=> 300"}, {code: "big := 1\nheap() < 100", want: "=> false"}, {code: "in <- true\n<-out", want: "=> 300"},
			{code: "before := runtime.NumGoroutine()\nclose(in)\nfor runtime.NumGoroutine() >= before { runtime.Gosched() }"}, {code: "heap() < 100, big", want: "=> true, 1"}}},
	}...)
}
