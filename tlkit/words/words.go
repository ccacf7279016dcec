// Package words has the words and sentences of figures and tables in Japanese, by the English ones. English is the
// language of the code: what has no entry here is shown as it is.
package words

import (
	"cmp"
	"os"
	"regexp"
	"strings"
	"sync"
)

// Env is the environment variable that names the language of figures: "ja" for Japanese, "en" for English. Without it
// the language is that of the locale (LC_ALL, else LC_MESSAGES, else LANG; POSIX.1-2017, Base Definitions, section
// 8.2), and English if figures are not written in that.
const Env = "TLKIT_LANG"

// InJapanese reports whether figures are in Japanese.
func InJapanese() bool {
	set := cmp.Or(os.Getenv(Env), os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))
	return set == "ja" || strings.HasPrefix(set, "ja_") || strings.HasPrefix(set, "ja.")
}

// Of returns a word or a sentence of a figure in the language of figures. One that has no translation stays as it is.
func Of(english string) string {
	return inLanguage(english, "")
}

// Head is [Of] for the head of a column, with a zero-width space where it may break.
func Head(english string) string {
	return inLanguage(english, "\u200b")
}

// inLanguage returns a word or a sentence in the language of figures, with gap where a Japanese word may break.
func inLanguage(english, gap string) string {
	if !InJapanese() {
		return english
	}
	if ja, ok := japaneseWords[english]; ok {
		return between.ReplaceAllString(ja, "$1"+gap+"$2")
	}
	return sentence(english)
}

// between matches a space between two Japanese characters, which is where a word may break and is not shown.
var between = regexp.MustCompile(`([\p{Han}\p{Hiragana}\p{Katakana}ー]) ([\p{Han}\p{Hiragana}\p{Katakana}])`)

// Lines is [Of] for each line of a text.
func Lines(english string) string { return Parts(english, "\n") }

// Parts is [Of] for each part of a text, between separators.
func Parts(english, separator string) string {
	parts := strings.Split(english, separator)
	for i, part := range parts {
		parts[i] = Of(part)
	}
	return strings.Join(parts, separator)
}

// sentence returns the translation of a sentence, or the text itself.
func sentence(english string) string {
	for _, s := range patterns() {
		if parts := s.english.FindStringSubmatch(english); parts != nil {
			return place.ReplaceAllStringFunc(s.japanese, func(p string) string {
				part := int(p[1] - '0')
				if s.sentences[part-1] {
					return sentence(parts[part])
				}
				return parts[part]
			})
		}
	}
	return english
}

// pattern matches the sentences of one form.
type pattern struct {
	english   *regexp.Regexp
	sentences []bool // the parts that are sentences themselves
	japanese  string
}

// place matches where a Japanese sentence has a part of the English one: $1 is the first.
var place = regexp.MustCompile(`\$[1-9]`)

// patterns are japaneseSentences, ready to match.
var patterns = sync.OnceValue(func() []pattern {
	verb := regexp.MustCompile(`%[swdv]`)
	matches := map[string]string{"%s": `(.+?)`, "%w": `(.+?)`, "%d": `([-+0-9.,eE]+|NaN|[-+]Inf)`, "%v": `([0-9.hmsµn]+)`}
	all := make([]pattern, len(japaneseSentences))
	for i, s := range japaneseSentences {
		var sentences []bool
		for _, v := range verb.FindAllString(s[0], -1) {
			sentences = append(sentences, v == "%w")
		}
		form := verb.ReplaceAllStringFunc(regexp.QuoteMeta(s[0]), func(v string) string { return matches[v] })
		all[i] = pattern{regexp.MustCompile("^" + form + "$"), sentences, s[1]}
	}
	return all
})
