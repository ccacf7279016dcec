package datasets

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
)

// mergeTwins merges classes whose names look the same but are written in different code points ("é" as one character or
// as "e" with an accent: macOS writes file names in the second way), and warns of it. Names that differ only in case,
// blanks or the like stay separate classes, with a warning.
func (d *Dataset) mergeTwins(images []labelled) {
	spellings := map[string]map[string]bool{} // by the name in NFC
	for _, m := range images {
		form := norm.NFC.String(m.class)
		if spellings[form] == nil {
			spellings[form] = map[string]bool{}
		}
		spellings[form][m.class] = true
	}
	for _, form := range slices.Sorted(maps.Keys(spellings)) {
		if len(spellings[form]) > 1 {
			d.warn(fmt.Sprintf("class names %s look the same and are written in different code points (Unicode NFC and NFD): they are one class, %q",
				codePoints(slices.Sorted(maps.Keys(spellings[form]))), form))
		}
	}
	loose := map[string][]string{}
	for _, form := range slices.Sorted(maps.Keys(spellings)) {
		loose[folded(form)] = append(loose[folded(form)], form)
	}
	for _, key := range slices.Sorted(maps.Keys(loose)) {
		if names := loose[key]; len(names) > 1 {
			d.warn(fmt.Sprintf("class names %s %s: they are %d classes", sentence.Quoted(names, 4), difference(names), len(names)))
		}
	}
	for i, m := range images {
		if form := norm.NFC.String(m.class); len(spellings[form]) > 1 {
			images[i].class = form
		}
	}
}

// folded returns a name without the differences that people overlook: those of plainly, and letters of other alphabets,
// quotes and dashes that look like those of ASCII.
func folded(name string) string {
	name = strings.Map(func(r rune) rune {
		if as, ok := lookalikes[r]; ok {
			return as
		}
		return r
	}, plainly(name))
	return strings.ReplaceAll(name, "ß", "ss")
}

// lookalikes are signs that look like one of ASCII in most fonts: letters of the Cyrillic and the Greek alphabet in
// lower case, whose capitals look alike or that do so themselves, quotes and dashes.
var lookalikes = func() map[rune]rune {
	m := map[rune]rune{}
	for _, pair := range []string{"аa", "вb", "сc", "еe", "нh", "іi", "јj", "кk", "мm", "оo", "рp", "ѕs", "тt", "уy", "хx", "ԁd", "ԛq", "ԝw",
		"αa", "βb", "εe", "ηh", "ιi", "κk", "μm", "νn", "οo", "ρp", "τt", "υy", "χx", "ζz", "’'", "‘'", "`'", "´'", "–-", "—-", "−-", "‐-", "_-"} {
		r := []rune(pair)
		m[r[0]] = r[1]
	}
	return m
}()

// plainly returns a name without the differences of case, blanks, invisible characters, compatibility forms (NFKC), and
// the form of a number ("1", "1.0", "01").
func plainly(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(name))
	name = strings.Join(strings.Fields(strings.ToLower(name)), " ")
	if isDecimal(name) {
		if v, err := strconv.ParseFloat(name, 64); err == nil {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	return name
}

// isDecimal reports whether a name is a decimal number of digits that float64 holds exactly.
func isDecimal(name string) bool {
	return name != "" && len(name) <= 15 && strings.Trim(name, "0123456789.-") == "" && strings.ContainsAny(name, "0123456789")
}

// difference says how names of the same folded form differ.
func difference(names []string) string {
	if isDecimal(strings.TrimSpace(names[0])) {
		return "are the same number"
	}
	if slices.ContainsFunc(names, func(name string) bool { return plainly(name) != plainly(names[0]) }) {
		return fmt.Sprintf("look alike and differ in an alphabet or a sign (%s)", codePoints(names))
	}
	return "differ in case, blanks or invisible characters alone"
}

// codePoints writes names with escaped code points, so that their difference shows.
func codePoints(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%+q", n)
	}
	return strings.Join(out, " and ")
}

// alike returns a hint if a missing name differs from a known one only in case or blanks, else "".
func alike(missing, known []string) string {
	for _, m := range missing {
		for _, k := range known {
			if folded(m) == folded(k) {
				return fmt.Sprintf(" (%q and %q %s)", m, k, difference([]string{m, k}))
			}
		}
	}
	return ""
}

// content identifies a file's bytes, as far as a size and a CRC-32 can, and their pixels.
type content struct {
	size      int64
	crc       uint32
	redecoded string // as vision.Redecoded
}

// where is one occurrence of some content.
type where struct {
	split string
	item  item
}

// warnDuplicates warns of images that are in two splits, byte by byte the same: a score on them doesn't show how the
// network does on new images. It also warns of images that are in two classes.
func (d *Dataset) warnDuplicates(t *tree) {
	places := map[content][]where{}
	for _, s := range d.splits() {
		if s.name == testSplit && s.split == d.Val {
			continue // one split in both roles
		}
		for _, it := range s.split.items {
			v := t.all[it.key]
			c := content{size: v.Size, crc: v.CRC}
			places[c] = append(places[c], where{s.name, it})
		}
	}
	var across, labels []string
	for _, list := range places {
		first := list[0]
		for _, w := range list[1:] {
			otherSplit, otherLabel := w.split != first.split, w.item.label != first.item.label
			if !otherSplit && !otherLabel || !t.same(first.item.key, w.item.key) {
				continue
			}
			pair := fmt.Sprintf("%s = %s", first.item.name, w.item.name)
			if otherSplit {
				across = append(across, pair)
			} else {
				labels = append(labels, pair)
			}
		}
	}
	d.warnPairs(across, "are in two splits, so that what is measured on them is not what the network makes of new images")
	d.warnPairs(labels, "are in two classes")
}

func (d *Dataset) warnPairs(pairs []string, what string) {
	if len(pairs) > 0 {
		slices.Sort(pairs)
		d.warn(fmt.Sprintf("%d images %s (same bytes): %s", len(pairs), what, list(pairs)))
	}
}

// same compares two files byte by byte.
func (t *tree) same(a, b int) bool {
	x, err1 := t.files[a].read()
	y, err2 := t.files[b].read()
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}
