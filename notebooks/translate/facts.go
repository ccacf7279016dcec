package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// labels are the words that every lesson has, and their one translation.
var labels = map[string]string{
	"**Goal:**":                   "**目標:**",
	"**Time:**":                   "**所要時間:**",
	"**Before:**":                 "**前提:**",
	"**Next:**":                   "**次へ:**",
	"## Exercises\n":              "## 演習問題\n",
	"## Sources\n":                "## 出典\n",
	"<summary>Solution</summary>": "<summary>解答</summary>",
}

var (
	fence    = regexp.MustCompile("(?ms)^```.*?^```$")
	remark   = regexp.MustCompile(`(?m)[ \t]*(//|#) .*$`)
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeSpan = regexp.MustCompile("`[^`\n]+`")
	figure   = regexp.MustCompile(`\d+(?:[.,]\d+)*`)
	heading  = regexp.MustCompile(`(?m)^(#+) `)
	tableRow = regexp.MustCompile(`(?m)^\|`)
	emphasis = regexp.MustCompile(`\*\*[^*\n]+\*\*|\*[^*\n]+\*`)
)

// differences returns in what a translated Markdown text differs from the English one where a translation must not: in
// its headings, table rows and labels, code, links and figures. A translation may have more figures and more names in
// code type than the English text, which writes small numbers as words; it may not have fewer.
func differences(english, japanese string, rebase func(string) string) (found []string) {
	e, j := fences(&english), fences(&japanese)
	if !slices.Equal(e, j) {
		found = append(found, fmt.Sprintf("code between ``` is not as in English, comments apart:\n%s\nEnglish:\n%s", strings.Join(j, "\n"), strings.Join(e, "\n")))
	}
	for _, x := range slices.Sorted(maps.Keys(labels)) {
		if n, m := strings.Count(english, x), strings.Count(japanese, labels[x]); n != m {
			found = append(found, fmt.Sprintf("it has %d of %q, the English text %d of %q", m, strings.TrimSpace(labels[x]), n, strings.TrimSpace(x)))
		}
	}
	if e, j := headings(english), headings(japanese); e != j {
		found = append(found, fmt.Sprintf("its headings are %q, in English %q", j, e))
	}
	if e, j := len(tableRow.FindAllString(english, -1)), len(tableRow.FindAllString(japanese, -1)); e != j {
		found = append(found, fmt.Sprintf("it has %d rows of tables, the English text %d", j, e))
	}
	found = append(found, linkDifferences(english, japanese, rebase)...)
	english, japanese = link.ReplaceAllString(english, "]"), link.ReplaceAllString(japanese, "]")
	for _, s := range lacks(codeSpan, english, japanese) {
		found = append(found, fmt.Sprintf("%s is missing", s))
	}
	for _, s := range lacks(figure, english, japanese) {
		found = append(found, fmt.Sprintf("the figure %s is missing", s))
	}
	return append(found, unshown(japanese)...)
}

// fences takes the fenced code out of a text and returns it, without its comments.
func fences(s *string) (code []string) {
	for _, f := range fence.FindAllString(*s, -1) {
		code = append(code, remark.ReplaceAllString(f, ""))
	}
	*s = fence.ReplaceAllString(*s, "")
	return code
}

// headings returns the marks of the headings of a text, in order.
func headings(s string) string {
	return strings.Join(strings.Fields(strings.Join(heading.FindAllString(s, -1), "")), " ")
}

func linkDifferences(english, japanese string, rebase func(string) string) (found []string) {
	want, have := map[string]bool{}, map[string]bool{}
	for _, m := range link.FindAllStringSubmatch(english, -1) {
		want[rebase(m[1])] = true
	}
	for _, m := range link.FindAllStringSubmatch(japanese, -1) {
		have[m[1]] = true
		if !want[m[1]] {
			found = append(found, fmt.Sprintf("the link to %s is not in the English text", m[1]))
		}
	}
	for _, l := range slices.Sorted(maps.Keys(want)) {
		if !have[l] {
			found = append(found, fmt.Sprintf("the link to %s is missing", l))
		}
	}
	return found
}

// lacks returns the matches of the English text that the Japanese one lacks.
func lacks(re *regexp.Regexp, english, japanese string) (missing []string) {
	have := re.FindAllString(japanese, -1)
	for _, s := range re.FindAllString(english, -1) {
		if !slices.Contains(have, s) && !slices.Contains(missing, s) {
			missing = append(missing, s)
		}
	}
	return missing
}

// unshown returns the emphasis that Markdown shows as asterisks: CommonMark (section 6.2) takes **（x）**y for no
// emphasis, since punctuation stands inside the marks and a letter outside. In Japanese no space stands between.
func unshown(s string) (found []string) {
	for _, at := range emphasis.FindAllStringIndex(s, -1) {
		m := s[at[0]:at[1]]
		inside := strings.Trim(m, "*")
		first, _ := utf8.DecodeRuneInString(inside)
		last, _ := utf8.DecodeLastRuneInString(inside)
		before, _ := utf8.DecodeLastRuneInString(s[:at[0]])
		after, _ := utf8.DecodeRuneInString(s[at[1]:])
		if mark(first) && letter(before) || mark(last) && letter(after) {
			found = append(found, fmt.Sprintf("%s is not shown as emphasis: put the punctuation outside the asterisks", m))
		}
	}
	return found
}

// mark and letter say on which side of an emphasis a character may stand. No character is utf8.RuneError.
func mark(r rune) bool   { return unicode.IsPunct(r) || unicode.IsSymbol(r) }
func letter(r rune) bool { return r != utf8.RuneError && !unicode.IsSpace(r) && !mark(r) }
