//go:build linux

package session

import (
	"regexp"
	"strings"
)

// A hint shows people who come from Python (or C, or JavaScript) the Go form of what they wrote. It is added to the
// error, which stays.
type hint struct {
	line *regexp.Regexp // pattern of the line; nil: any
	msg  *regexp.Regexp // pattern of the message
	text string         // $1 is the group captured by line, or by msg if line is nil
}

var (
	syntaxMessage = regexp.MustCompile(`^(expected|missing|illegal|unexpected|string literal|rune literal|more than one|newline|.* not terminated|cannot indirect|invalid operation: cannot indirect|undefined|import path)`)
)

func when(line, text string) hint {
	return hint{regexp.MustCompile(line), syntaxMessage, text}
}

func says(msg, text string) hint { return hint{nil, regexp.MustCompile(msg), text} }

// hints are tried in order; the first one that fits is used.
var hints = []hint{
	says(`^undefined: C$`, "import \"C\", with the C code in a comment above it, counts for its own cell"),
	says(`illegal character U\+201[89CDE]`, `a string stands between straight quotes: "..."`),
	says(`illegal character U\+00A0`, "that is a no-break space, as pages of the web have it; type a blank"),
	says(`unexpected newline, expecting \{|expected '\{', found newline|^missing function body`, "the { stands at the end of that line"),
	when(`^\s*else\b`, "else stands on the line of the brace before it: } else {"),
	when(`^\s*(?:for|while)\s*\(`, "no parentheses: for i := 0; i < n; i++ { ... }"),
	when(`^\s*(?:int|float|double|string|bool|char|long|float64|int64)\s+(\w+)\s*=\s*(.+?);?\s*$`, "a variable is declared with $1 := $2"),
	when(`^\s*(?:var|let|const)\s+(\w+)\s*:\s*(\w+)`, "the type follows the name: var $1 $2"),
	when(`:?=\s*[!%]\s*(?:(?:ls|pwd|cat|git|echo|date|find|grep|head|which|python3?)\b|[a-z]\w*\s+[-/.\w])`, "a command's output is taken with out, err := exec.Command(\"bash\", \"-c\", \"...\").Output(); string(out)"),
	when(`^\s*cd\s+(\S+)`, "the folder is changed with %cd $1"),
	{regexp.MustCompile(`^\s*go\s+(?:get|mod|build|run|install|test|vet)\b`), regexp.MustCompile(`^expression in go|^expected`), "a go command for the notebook's module begins with !*go"},
	when(`^\s*((?:echo|ls|cat|pip3?|conda|git|mkdir|rm|cp|mv|python3?|apt|apt-get|curl|wget)\s+\S.*)$`, "a command of the shell begins with !: !$1"),
	when(`^\s*\$\s+(\S.*)$`, "a command of the shell begins with !: !$1"),
	says(`^assignment mismatch: 1 variable but (\S+) returns 2 values`, "the second value is usually the error: x, err := $1(...); a function whose name begins with Must has none"),
	{regexp.MustCompile(`^\s*(\w+)\s*:\s*(?:int|float|str|string|bool|float64|list|dict)\b[^=]*=`), regexp.MustCompile(`is not an expression|^expected|^undefined`), "the type needs no colon, or is left out: $1 := value"},
	{regexp.MustCompile(`^\s*func\s+(\w+)\(\s*(\w+(?:\s*,\s*\w+)*)\s*\)`), regexp.MustCompile(`^undefined`), "parameters have types: func $1($2 int)"},
	{regexp.MustCompile(`^\s*(\w+(?:\s*,\s*\w+)+)\s*=[^=]`), regexp.MustCompile(`^undefined`), "new variables are declared with $1 := values"},
	{regexp.MustCompile(`=\s*\{[^":]+\}\s*$`), regexp.MustCompile(`^expected operand`), "a list is written with its type: []int{1, 2, 3}"},
	when(`===|!==`, "equal is written ==, not equal !="),
	when(`\S\s*<>\s*\S`, "not equal is written !="),
	when(`^\s*range\(`, "a loop over numbers is written for i := range 10 { ... }"),
	when(`^\s*@\w`, "Go has no decorators: write a function that takes a function and returns one"),
	when(`^\s*(?:throw\s+)?new\s+[A-Za-z_]\w*\s*\(`, "a value is written T{...}, a pointer to a new one &T{...}; an error errors.New(\"...\")"),
	when(`^\s*(?:int|void|public|static|double|bool)\s+\w+\s*\(`, "a function is written func name(x int) int { ... }"),
	when(`^\s*(?:async\s+(?:def|function)|function)\s+(\w+)`, "a function is written func $1(x int) int { ... }; go $1(1) runs it beside the rest"),
	when(`^\s*(?:println!\s*\(|puts\s|(?:std::)?cout\s*<<)`, "values are printed with fmt.Println(x)"),
	says(`^no new variables on left side of :=`, "a variable of the same cell is assigned with ="),
	when(`\+\+\w|--\w|=[^=]*\w(?:\+\+|--)`, "x++ and x-- are statements of their own, not values"),
	when(`=>`, "a function without a name is written func(x int) int { return x }"),
	when(`^\s*#`, "a comment begins with //"),
	when(`(?:^|[^\w"])[fF]"`, `Go has no f"...": fmt.Sprintf("x is %v", x)`),
	when(`(?:^|[^\w"])[rR]"`, "a raw string stands between back quotes: `...`"),
	when(`"""`, "a string of several lines stands between back quotes: `...`"),
	when(`^\s*from\s+\S+\s+import\b`, `an import names the package's path in quotes: import "math"`),
	when(`^\s*import\s+([\w./]+)\s*$`, `an import names the package's path in quotes: import "$1"; packages of the workspace need none`),
	when(`^\s*import\s+([\w./]+)\s+as\s+(\w+)`, `another name stands before the path, which is in quotes: import $2 "$1"`),
	when(`^\s*def\s+(\w+)`, "a function is written func $1(x int) int { ... }"),
	when(`^\s*class\s+(\w+)`, "a type is written type $1 struct { ... }, its methods func (x $1) Method() { ... }"),
	when(`\blambda\b`, "a function without a name is written func(x int) int { return x }"),
	when(`\[.+\bfor\b.+\bin\b.+\]`, "Go has no comprehensions: write a loop, for _, x := range xs { ... append(ys, x) }"),
	when(`\bfor\s+(\w+)\s+in\s+range\(([^()]*)\)`, "a loop over numbers is written for $1 := range $2 { ... }"),
	when(`\bfor\s+(.+)\s+in\s+(.+?)\s*:?\s*$`, "a loop over the elements is written for _, $1 := range $2 { ... }"),
	when(`^\s*while\b`, "Go's only loop is for: for condition { ... }"),
	when(`^\s*elif\b`, "elif is written } else if condition {"),
	when(`^\s*(try|except|finally)\b`, "Go has no exceptions: functions return an error, if err != nil { ... }"),
	when(`^\s*(?:raise|throw)\b`, "an error is returned (errors.New), or panic(\"...\") ends the cell"),
	when(`^\s*with\s`, "what is to be closed at the end is written f, err := os.Open(name); defer f.Close()"),
	when(`^\s*assert\b`, "Go has no assert: if !condition { panic(\"...\") }"),
	when(`^\s*(del)\s+(\w+)`, "a name is forgotten with %rm $2"),
	when(`^\s*print\s+\S`, "values are printed with fmt.Println(x)"),
	when(`^\s*(let|auto)\s`, "a variable is declared with x := value"),
	when(`^\s*(if|for|else|def|while)\b.*:\s*$`, "a block stands between { and }, without a colon"),
	{regexp.MustCompile(`(?:^|[=(])\s*\[[^\]]*\]\s*\)?\s*$`), regexp.MustCompile(`^expected|^unexpected comma`), "a list is written with its type: []int{1, 2, 3}"},
	{regexp.MustCompile(`(?:^|[=(])\s*\{\s*"`), regexp.MustCompile(`^expected|^illegal label`), `a map is written with its type: map[string]int{"a": 1}`},
	when(`\S\s+if\s.+\selse\s`, "Go has no conditional expression: write if c { x = a } else { x = b }"),
	when(`\S\s*\?.+:`, "Go has no conditional expression: write if c { x = a } else { x = b }"),
	{regexp.MustCompile(`(\w+)\s*\*\*\s*(\w+)`), regexp.MustCompile(`indirect|expected`), "Go has no **: math.Pow($1, $2), or x*x"},
	when(`\S\s+(and|or)\s+\S`, "and, or, not are written &&, ||, !"),
	when(`\bnot\s+\S`, "and, or, not are written &&, ||, !"),
	when(`\bis\s+(not\s+)?\w`, "is is written ==, is not is written !="),
	when(`\S\s+(not\s+)?in\s+\S`, "in is written slices.Contains(xs, x), or _, ok := m[key]"),
	when(`^[^"]*'[^']{2,}'`, `a string stands between double quotes: "..."`),
	says(`more than one character in rune literal|rune literal not terminated`, `a string stands between double quotes: "..."`),
	when(`\btype\(`, `a value's type is shown by fmt.Printf("%T", x)`),
	says(`^(\S+) \(type\) is not an expression`, "it is a type, not a value; a value is written ${1}{}, or ${1}(x)"),
	says(`must not be negative`, "the last element is x[len(x)-1]"),
	says(`cannot convert .*string.* to type (?:int|float64)`, "text becomes a number with strconv.Atoi or strconv.ParseFloat"),
	says(`for (?:built-in )?print\b|not a valid argument for print|operand: print|cannot use .* as .* in (?:argument to )?print`, "fmt.Println prints any value"),
	says(`\* .*mismatched types (?:untyped )?string|\* .*mismatched types \w+ and untyped string`, "a text is repeated with strings.Repeat(s, n)"),
	says(`mismatched types \w+ and untyped nil`, "only pointers, slices, maps, functions, channels and interfaces can be nil"),
	says(`mismatched types (?:untyped )?string|mismatched types \w+ and (?:untyped )?string`, "text and numbers are joined with fmt.Sprint(a, b)"),
	says(`mismatched types (?:int and float64|float64 and int)`, "Go converts no numbers by itself: float64(n)"),
	says(`non-boolean condition|non-bool used as condition`, "a condition is true or false: x != 0, len(xs) > 0, p != nil"),
	says(`cannot use nil as`, "only pointers, slices, maps, functions, channels and interfaces can be nil"),
	says(`\.append undefined`, "a slice grows with xs = append(xs, x)"),
	says(`\.(?:len|size|length|Len) undefined`, "the length is len(x)"),
	says(`\.(?:upper|lower|strip|split|replace|startswith|endswith|join|format|find) undefined`, "functions of texts are in package strings: strings.ToUpper(s), strings.Split(s, \",\")"),
	says(`\.(?:keys|values|items) undefined`, "a map is gone through with for key, value := range m { ... }"),
	says(`\.(?:sort|sorted) undefined`, "a slice is sorted with slices.Sort(xs)"),
	says(`^undefined: (\w+)\.\w+ \(but have (\w+)\)`, "names that a package exports begin with a capital letter: $1.$2"),
	says(`^missing ',' before newline`, "the last line ends with a comma, too"),
	says(`^undefined: (?:console|System)\b`, "values are printed with fmt.Println(x)"),
}

// otherNames maps names of other languages to Go's equivalents.
var otherNames = map[string]string{
	"None": "nil", "null": "nil", "NULL": "nil", "True": "true", "False": "false",
	"str": "fmt.Sprint(x)", "repr": `fmt.Sprintf("%#v", x)`, "type": `fmt.Printf("%T", x)`, "isinstance": "v, ok := x.(T)",
	"Println": "fmt.Println", "Printf": "fmt.Printf", "Print": "fmt.Print", "Sprintf": "fmt.Sprintf", "Errorf": "fmt.Errorf", "Scanln": "fmt.Scanln",
	"printf": "fmt.Printf", "sprintf": "fmt.Sprintf", "input": `fmt.Scanln(&x)`, "open": "os.Open(name)", "exit": "nothing: a cell ends at its end", "quit": "nothing: a cell ends at its end",
	"dir": "x? (help on x), or a Tab after x.", "help": "x? (help on x)", "list": "[]int{1, 2, 3}", "dict": `map[string]int{"a": 1}`, "set": "map[string]bool{}",
	"tuple": "several values, a, b := f(), or a struct", "sorted": "slices.Sort(xs)", "enumerate": "for i, x := range xs", "zip": "for i := range xs, with xs[i] and ys[i]",
	"sum": "a loop: for _, x := range xs { s += x }", "abs": "math.Abs(x)", "round": "math.Round(x)", "sqrt": "math.Sqrt(x)", "pow": "math.Pow(x, y)", "float": "float64(x)", "double": "float64",
	"chr": "string(rune(n))", "ord": "rune(s[0])", "self": "the receiver's name: func (t T) Method()", "this": "the receiver's name: func (t T) Method()",
	"np": "[]float64, or gonum.org/v1/gonum/mat", "numpy": "[]float64, or gonum.org/v1/gonum/mat", "torch": "tlkit, or GoMLX", "pd": "slices of structs", "plt": "tlkit's plots", "os_path": "filepath",
	"pass": "nothing: a block may be empty", "let": "x := value", "await": "a channel or a sync.WaitGroup", "elif": "else if", "def": "func", "lambda": "func(x int) int { return x }",
}

// hintFor returns the hint that fits an error on a line, or "".
func hintFor(msg, line string) string {
	for _, h := range hints {
		if !h.msg.MatchString(msg) {
			continue
		}
		if h.line == nil {
			return string(h.msg.ExpandString(nil, h.text, msg, h.msg.FindStringSubmatchIndex(msg)))
		}
		if m := h.line.FindStringSubmatchIndex(line); m != nil {
			return string(h.line.ExpandString(nil, h.text, line, m))
		}
	}
	if name, ok := strings.CutPrefix(msg, "undefined: "); ok {
		if other := otherNames[name]; other != "" {
			return "in Go: " + other
		}
		if assigned := regexp.MustCompile(`^\s*` + regexp.QuoteMeta(name) + `\s*=[^=]`); assigned.MatchString(line) {
			return "a new variable is declared with " + name + " := value"
		}
	}
	return ""
}

// withHint returns the message with the hint that fits, if there is one.
func withHint(msg, line string) string {
	if text := hintFor(msg, line); text != "" && !strings.Contains(msg, "did you mean") {
		return msg + " (" + text + ")"
	}
	return msg
}
