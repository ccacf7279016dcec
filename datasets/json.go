package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/nearest"
)

// Lists of images and labels in JSON: an object per line, as Hugging Face's metadata.jsonl, or a list of objects.

// jsonList holds the objects of such a list.
type jsonList struct {
	names   []string // of the fields, in the order in which they appear
	objects []jsonObject
}

// jsonObject is an object with the texts of its fields and the number of the line that it begins in, from 1.
type jsonObject struct {
	line   int
	fields map[string]string
}

// isJSON reports whether a text begins as a list of objects does.
func isJSON(text []byte) bool {
	text = bytes.TrimSpace(text)
	if rest, ok := bytes.CutPrefix(text, []byte("[")); ok {
		text = bytes.TrimSpace(rest)
	}
	return bytes.HasPrefix(text, []byte("{"))
}

// readJSON reads all objects of a text, in lists or one after the other. A file that is cut short is an error, as its last
// labels are missing, and so is anything else beside the objects.
func readJSON(text []byte) (*jsonList, error) {
	list, line, at, inList := &jsonList{}, 1, 0, false
	for {
		start := len(text) - len(bytes.TrimLeft(text[at:], " \t\r\n,"))
		line, at = line+bytes.Count(text[at:start], []byte("\n")), start
		switch {
		case start == len(text) && inList:
			return nil, fmt.Errorf("line %d: its list of JSON objects has no end; write or download it again", line)
		case start == len(text):
			return list, nil
		case text[start] == '[' && !inList, text[start] == ']' && inList:
			inList = !inList
			at++
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(text[start:]))
		object, err := list.object(dec)
		if err != nil {
			return nil, fmt.Errorf("line %d: its JSON is no object of fields: %w; expected one per image, such as {\"image\": \"1.jpg\", \"label\": \"cat\"}", line, err)
		}
		list.objects = append(list.objects, jsonObject{line, object})
		at += int(dec.InputOffset())
		line += bytes.Count(text[start:at], []byte("\n"))
	}
}

// object reads the next object.
func (l *jsonList) object(dec *json.Decoder) (map[string]string, error) {
	switch begin, err := dec.Token(); {
	case err != nil:
		return nil, err
	case begin != json.Delim('{'):
		return nil, fmt.Errorf("it begins with %v", begin)
	}
	fields := map[string]string{}
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err == nil {
			err = dec.Decode(&value)
		}
		if err != nil {
			return nil, err
		}
		key := name.(string)
		if !slices.Contains(l.names, key) && len(l.names) < maxJSONFields {
			l.names = append(l.names, key)
		}
		fields[key] = jsonText(value)
	}
	_, err := dec.Token()
	return fields, err
}

// maxJSONFields bounds the fields of a list: an object with more is a table from names to labels.
const maxJSONFields = 1000

// jsonText returns a text as it is meant, "" for null, and other values as they are written.
func jsonText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil { // null leaves it empty
		return text
	}
	return string(value)
}

// rows returns the wanted fields of all objects that have something in one of them.
func (l *jsonList) rows(wanted []string) (rows []row, err error) {
	names := make([]string, len(wanted))
	for i, w := range wanted {
		if names[i], err = l.name(w); err != nil {
			return nil, err
		}
	}
	for _, o := range l.objects {
		r := row{line: o.line}
		for _, name := range names {
			r.fields = append(r.fields, strings.TrimSpace(o.fields[name]))
		}
		if strings.Join(r.fields, "") != "" {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		return nil, errors.New("it lists no images")
	}
	return rows, nil
}

// name returns the field that is wanted; case is ignored.
func (l *jsonList) name(wanted string) (string, error) {
	if slices.Contains(l.names, wanted) {
		return wanted, nil
	}
	if i := slices.IndexFunc(l.names, func(n string) bool { return strings.EqualFold(n, strings.TrimSpace(wanted)) }); i >= 0 {
		return l.names[i], nil
	}
	hint := ""
	if near := nearest.Name(wanted, l.names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	} else if of := l.otherForm(); of != "" {
		hint = ": it is " + of
	}
	return "", fmt.Errorf("it has no field %q%s; its fields are %s", wanted, hint, list(l.names))
}

// otherForm says what JSON is that does not have an object with the label per image, and what to do; "" for other JSON.
func (l *jsonList) otherForm() string {
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(l.names, n) })
	}
	switch {
	case has("images", "annotations", "categories"):
		return "COCO's JSON, whose labels are those of objects in the images; export the data with a folder or a line per image " +
			"(in Roboflow: Folder Structure), or give FromSamples the file_name of each image and the name of its category"
	case has("data", "annotations"):
		return "Label Studio's JSON; export it as CSV there"
	case len(l.objects) == 1:
		return `a single JSON object; write a list with one per image, such as [{"image": "1.jpg", "label": "cat"}], or give FromSamples the labels`
	}
	return ""
}
