package zoo

import (
	"encoding/json"
	"maps"
	"slices"
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

// literalNames reads a list of texts, or a dictionary from 0, 1, ... in any order to texts, as JSON and Python's str
// write them: ["ant"], ['ant', "bee"], {"0": "ant"}, {0: 'ant'}. It returns nil for anything else.
func literalNames(text string) []string {
	var list []string
	if json.Unmarshal([]byte(text), &list) == nil && !slices.Contains(list, "") { // "" may be JSON's null
		return list
	}
	var dict map[string]string
	if json.Unmarshal([]byte(text), &dict) != nil || slices.Contains(slices.Collect(maps.Values(dict)), "") {
		dict = pythonNames(strings.TrimSpace(text))
	}
	names := make([]string, len(dict))
	for i := range names {
		name, ok := dict[strconv.Itoa(i)]
		if !ok {
			return nil
		}
		names[i] = name
	}
	return names
}

// pythonNames reads a list or dictionary of texts as Python's str writes it; a list's keys are 0, 1, ...
func pythonNames(text string) map[string]string {
	if len(text) < 2 {
		return nil
	}
	isDict := text[0] == '{' && text[len(text)-1] == '}'
	if !isDict && !(text[0] == '[' && text[len(text)-1] == ']') {
		return nil
	}
	names := map[string]string{}
	for rest := text[1 : len(text)-1]; ; {
		key := strconv.Itoa(len(names))
		if isDict {
			before, value, ok := strings.Cut(rest, ":")
			if !ok {
				return nil
			}
			key, rest = strings.Trim(before, ` "'`), value
		}
		name, after, ok := cutQuoted(strings.TrimSpace(rest))
		if _, twice := names[key]; !ok || twice {
			return nil
		}
		names[key] = name
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
