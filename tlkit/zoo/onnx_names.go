package zoo

import (
	"strconv"
	"strings"
)

// classMetadata are the keys under which exporters keep the names of classes in an ONNX file's metadata: Ultralytics
// "names", OpenVINO's Model API "model_info labels", and scripts of people's own the others.
var classMetadata = []string{"names", "class_names", "classes", "labels", "id2label", "model_info labels"}

// foundClasses returns the names of n classes from metadata that another program wrote, nil if it has none for just as
// many.
func foundClasses(metadata map[string]string, n int) []string {
	for _, key := range classMetadata {
		names := literalNames(metadata[key])
		if key == "model_info labels" {
			names = strings.Fields(metadata[key])
		}
		if len(names) == n {
			return names
		}
	}
	return nil
}

// literalNames reads a list of texts, or a dictionary from 0, 1, ... to texts, as Python's str and JSON write them:
// ['ant', "bee"], {0: 'ant'}, {"0": "ant"}. It returns nil for anything else.
func literalNames(text string) (names []string) {
	text = strings.TrimSpace(text)
	if len(text) < 2 {
		return nil
	}
	isDict := text[0] == '{' && text[len(text)-1] == '}'
	if !isDict && !(text[0] == '[' && text[len(text)-1] == ']') {
		return nil
	}
	for rest := text[1 : len(text)-1]; ; {
		if isDict {
			key, value, ok := strings.Cut(rest, ":")
			if !ok || strings.Trim(key, ` "'`) != strconv.Itoa(len(names)) {
				return nil
			}
			rest = value
		}
		name, after, ok := cutQuoted(strings.TrimSpace(rest))
		if !ok {
			return nil
		}
		names = append(names, name)
		after = strings.TrimSpace(after)
		if after == "" {
			return names
		}
		if rest, ok = strings.CutPrefix(after, ","); !ok {
			return nil
		}
	}
}

// cutQuoted returns the text that s begins with, in quotes of either kind and with escapes, and what follows it.
func cutQuoted(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		return "", "", false
	}
	quote := s[0]
	var b strings.Builder
	for s = s[1:]; s != "" && s[0] != quote; {
		r, _, tail, err := strconv.UnquoteChar(s, quote)
		if err != nil {
			return "", "", false
		}
		b.WriteRune(r)
		s = tail
	}
	if s == "" {
		return "", "", false
	}
	return b.String(), s[1:], true
}
