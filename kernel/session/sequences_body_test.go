//go:build linux

package session

// More sequences: what Go accepts in a function's body is a cell, and a program sees its own names.
func init() {
	sequences = append(sequences, []sequence{
		{"values and variables behind a label", []step{
			{code: "x := 3\nL:\nx + 1", want: "=> 4"}, {code: "y := 0\nagain:\ny++\nif y < 4 { goto again }\nend:\ny, x", want: "=> 4, 3"},
			{code: "done:\nvar q = 7\nw: a, b := 1, 2\nq + a", want: "=> 8"}, {code: "q, b", want: "=> 7, 2"},
			{code: "a1:\nb1:\nfmt.Print(q, \" \")\nif q < 9 { q++; goto a1 }\nif q < 11 { q++; goto b1 }\nq", want: "7 8 9 10 11 => 11"},
			{code: "L2:\nfunc lf() int { return 4 }\nif q < 14 { q++; goto L2 }\nlf() + q", want: "=> 18"},
			{code: "M:\ntype pair struct{ a int }\nlab:\nfor i := 0; ; i++ {\n\tswitch i {\n\tcase 3: break lab\n\tdefault: continue lab\n\t}\n}\npair{3}.a", want: "=> 3"},
			{code: "sel:\nselect { default: break sel }\nsw:\nswitch { default: break sw }\nq", want: "=> 14"}, {code: "goto fin\nz, z2 := 9, 9\nfin:\nz = 5"}, {code: "z", want: "=> 5"}, {code: "z2", fail: "undefined: z2"}, {code: "goto nowhere", fail: "label nowhere not declared"}}},
		{"variables whose types only their cell can name", []step{
			{code: "order := binary.LittleEndian\nv := order.Uint16([]byte{1, 2})\nget := func() uint16 { return order.Uint16([]byte{3, 0}) }\norder, v", want: "=> LittleEndian, 513"},
			{code: "v, get()", want: "=> 513, 3"}, {code: "order.String()", fail: "order (cell 1) has the type binary.littleEndian, which its package does not export"},
			{code: "var o2, n = binary.BigEndian, 5\no2, n", want: "=> BigEndian, 5"}, {code: "n", fail: "n is declared with a variable of the cell's own: o2 (cell 4) has the type"},
			{code: "func uses() string { return o4.String() }\no4 := binary.BigEndian", fail: "line 1, column 29: o4 (cell 6) has the type binary.bigEndian"},
			{code: "order := 5"}, {code: "order", want: "=> 5"}, {code: "unused := binary.BigEndian", not: "unused"}}},
		{"variables of C's types", []step{
			{code: "/*\n#include <stdlib.h>\n#include <string.h>\n*/\nimport \"C\"\nimport \"unsafe\"\ncs := C.CString(\"hello\")\ndefer C.free(unsafe.Pointer(cs))\nn := int(C.strlen(cs))\ns := C.GoString(cs)\nxs := []C.int{1, 2}\nC.srand(C.uint(xs[0]))"},
			{code: "n, s", want: "=> 5, hello"}, {code: "xs", fail: "xs (cell 1) has a type of C"}, {code: "C.rand()", fail: "counts for its own cell"},
			{code: "// typedef struct { int x, y; } pt;\nimport \"C\"\nvar q C.pt\nq.x = 3\nint(q.x)", want: "=> 3"},
			{code: "/*\nextern int cb(int);\nstatic int call(int x) { return cb(x); }\n*/\nimport \"C\"\n\n//export cb\nfunc cb(x C.int) C.int { return x * 2 }\nint(C.call(4))", want: "=> 8"},
			{code: "/*\nextern int fact(int);\nstatic int call(int n) { return fact(n); }\n*/\nimport \"C\"\n\n//export fact\nfunc fact(n C.int) C.int {\n\tif n < 2 {\n\t\treturn 1\n\t}\n\treturn n * product(n-1)\n}\nfunc product(n C.int) C.int { return fact(n) }\nint(C.call(4))", want: "=> 24"}}},
		{"the first function of a cell has a name", []step{
			{code: "func where() string { pc, _, _, _ := runtime.Caller(0); return runtime.FuncForPC(pc).Name() }"},
			{code: "strings.HasSuffix(where(), \"where\")", want: "=> true"}}},
		{"gob and a type declared anew", []step{
			{code: "type shape interface{ Area() float64 }\ntype Sq struct{ S float64 }\nfunc (s Sq) Area() float64 { return s.S * s.S }\nvar buf bytes.Buffer\ngob.Register(Sq{})\ngob.NewEncoder(&buf).Encode(struct{ S shape }{Sq{3}})\nstrings.Contains(buf.String(), \"main.Sq\")", want: "=> true"},
			{code: "type Sq struct{ S float64; N int }\nfunc (s Sq) Area() float64 { return 0 }\ngob.Register(Sq{})\ngob.Register(Sq{})"}}},
	}...)
}
