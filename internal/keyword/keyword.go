// Package keyword has examples of the use of Go's keywords, which neither a language server nor go doc describes.
package keyword

// Example returns examples of the use of a keyword; "" for other words.
func Example(word string) string { return examples[word] }

var examples = map[string]string{
	"break":       "break        // leaves the innermost for, switch or select\nbreak outer  // leaves the statement with the label outer:",
	"case":        "switch x {\ncase 1, 2:\n\t...\n}",
	"chan":        "ch := make(chan int, 8)  // a channel of ints with room for 8\nch <- 1                  // send\nx := <-ch                // receive",
	"const":       "const limit = 10",
	"continue":    "continue  // goes on with the next turn of the innermost for",
	"default":     "switch x {\ndefault: // where no case fits\n\t...\n}",
	"defer":       "defer f.Close()  // is called when the function ends",
	"else":        "if x > 0 {\n\t...\n} else {\n\t...\n}",
	"fallthrough": "fallthrough  // goes on with the next case of the switch",
	"for":         "for i := range 10 { ... }\nfor i, v := range list { ... }\nfor key, value := range m { ... }\nfor i := 0; i < 10; i++ { ... }\nfor condition { ... }\nfor { ... }",
	"func":        "func add(a, b int) int {\n\treturn a + b\n}\n\nf := func(x int) int { return 2 * x }",
	"go":          "go f(x)  // calls f in a goroutine of its own",
	"goto":        "goto done  // goes on at the label done:",
	"if":          "if x > 0 { ... }\nif v, ok := m[key]; ok { ... }",
	"import":      "import \"math/rand\"\nimport r \"math/rand\"  // under the name r",
	"interface":   "type Shape interface {\n\tArea() float64\n}",
	"map":         "m := map[string]int{\"a\": 1}\nm[\"b\"] = 2\nv, ok := m[\"c\"]\ndelete(m, \"a\")",
	"package":     "package main  // a program's first line; a cell needs none",
	"range":       "for i, v := range list { ... }\nfor key, value := range m { ... }\nfor i := range 10 { ... }",
	"return":      "return x, nil",
	"select":      "select {\ncase v := <-ch:\n\t...\ncase <-time.After(time.Second):\n\t...\n}",
	"struct":      "type Point struct {\n\tX, Y int\n}\n\np := Point{X: 1, Y: 2}",
	"switch":      "switch x {\ncase 1:\n\t...\ndefault:\n\t...\n}\n\nswitch v := x.(type) {\ncase string:\n\t...\n}",
	"type":        "type Celsius float64\ntype Point struct{ X, Y int }",
	"var":         "var x int\nvar name = \"a\"",
}
