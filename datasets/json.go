package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Lists of images and labels in JSON: an object per line, as Hugging Face's metadata.jsonl, or a list of objects.

// jsonList holds the objects of such a list.
type jsonList struct {
	names   []string // of the fields, in the order in which they appear
	objects []jsonObject
	coco    bool // they are the images of COCO's JSON
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

// readJSON reads all objects of a text, in lists or one after the other. A file that is cut short is an error, as its
// last labels are missing, and so is anything else beside the objects.
func readJSON(text []byte) (*jsonList, error) {
	text = withoutNaN(text)
	list, line, at, inList := &jsonList{}, 1, 0, false
	for {
		start := len(text) - len(bytes.TrimLeft(text[at:], " \t\r\n,"))
		line, at = line+bytes.Count(text[at:start], []byte("\n")), start
		switch {
		case start == len(text) && inList:
			return nil, fmt.Errorf("line %d: its list of JSON objects has no end; write or download it again", line)
		case start == len(text):
			return list.fromCOCO(text)
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

// pythonNumbers fit the numbers that Python's json.dumps writes and JSON does not have, and texts, which may hold them.
var pythonNumbers = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b`)

// withoutNaN returns JSON with null for NaN, which is pandas' missing value, and with the infinite numbers as texts.
func withoutNaN(text []byte) []byte {
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return text
	}
	return pythonNumbers.ReplaceAllFunc(text, func(found []byte) []byte {
		switch {
		case found[0] == '"':
			return found
		case bytes.HasSuffix(found, []byte("NaN")):
			return []byte("null")
		}
		return strconv.AppendQuote(nil, string(found))
	})
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
	if orient := l.pandasOrient(wanted[0]); orient != "" {
		return nil, fmt.Errorf("it is a table in a single JSON object; write it as CSV, in Python with pandas.read_json(FILE, orient=%q, dtype=False).to_csv(NEW, index=False)", orient)
	}
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
	hint := didYouMean(wanted, l.names)
	if of := l.otherForm(); hint == "" && of != "" {
		hint = ": it is " + of
	}
	return "", fmt.Errorf("it has no field %q%s; its fields are %s", wanted, hint, list(l.names))
}

// pandasOrient returns the orient with which pandas.read_json reads a table that is a single object, "" for other JSON.
func (l *jsonList) pandasOrient(image string) string {
	if len(l.objects) != 1 || len(l.names) == 0 {
		return ""
	}
	fields, sizes := l.objects[0].fields, map[int]bool{}
	for _, value := range fields {
		sizes[jsonSize(value)] = true
	}
	var row map[string]json.RawMessage
	notRow := json.Unmarshal([]byte(fields[l.names[0]]), &row)
	_, noColumn := l.name(image)
	switch {
	case l.has("columns", "index", "data"):
		return "split"
	case l.has("schema", "data"):
		return "table"
	case len(sizes) != 1 || sizes[0]:
		return ""
	case noColumn == nil:
		return "columns"
	case notRow == nil && row[image] != nil:
		return "index"
	}
	return ""
}

// jsonSize returns the number of values in an object or in a list of several, 0 for other values.
func jsonSize(value string) int {
	var object map[string]json.RawMessage
	var array []json.RawMessage
	switch {
	case json.Unmarshal([]byte(value), &object) == nil:
		return len(object)
	case json.Unmarshal([]byte(value), &array) == nil && len(array) > 1:
		return len(array)
	}
	return 0
}

// has reports whether the list has all of some fields.
func (l *jsonList) has(names ...string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(l.names, n) })
}

// expectedJSON is the next step for JSON of another form.
const expectedJSON = `write a list with one object per image, such as [{"image": "1.jpg", "label": "cat"}], or give FromSamples the labels`

// otherForm says what JSON is that does not have an object with the label per image, and what to do; "" for other JSON.
func (l *jsonList) otherForm() string {
	switch {
	case l.coco:
		return fmt.Sprintf("COCO's JSON, whose columns are %q and %q", "file_name", cocoCategory)
	case l.has("images", "annotations", "categories"):
		return "like COCO's JSON, but its images, annotations or categories are no lists of objects; export the data with a folder or a line per image " +
			"(in Roboflow: Folder Structure), or give FromSamples the file_name of each image and the name of its category"
	case l.has("data", "annotations"):
		return "Label Studio's JSON; export it as CSV there"
	case len(l.objects) == 1:
		return "a single JSON object; " + expectedJSON
	}
	return ""
}
