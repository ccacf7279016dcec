package datasets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// cocoJSON are the parts of COCO's JSON (https://cocodataset.org/#format-data) that tell the categories of an image.
type cocoJSON struct {
	Images      []json.RawMessage
	Annotations []struct {
		Image    json.RawMessage `json:"image_id"`
		Category json.RawMessage `json:"category_id"`
	}
	Categories []struct {
		ID   json.RawMessage
		Name string
	}
}

// cocoCategory is the field that an image of COCO's JSON gets: the names of the categories of its
// annotations, as a list.
const cocoCategory = "category"

// fromCOCO returns the images of COCO's JSON, each an object with its fields and cocoCategory; other lists as they are.
// text is the whole file.
func (l *jsonList) fromCOCO(text []byte) (*jsonList, error) {
	if len(l.objects) != 1 || !l.has("images", "annotations", "categories") {
		return l, nil
	}
	var c cocoJSON
	for name, into := range map[string]any{"images": &c.Images, "annotations": &c.Annotations, "categories": &c.Categories} {
		if err := json.Unmarshal([]byte(l.objects[0].fields[name]), into); err != nil {
			return l, nil // another JSON with these fields: otherForm names it
		}
	}
	names := map[string]string{}
	for _, one := range c.Categories {
		names[string(one.ID)] = one.Name
	}
	labels := map[string][]string{}
	for i, a := range c.Annotations {
		name, ok := names[string(a.Category)]
		if !ok {
			return nil, fmt.Errorf("annotation %d has the category_id %s, which is none of its %d categories", i+1, short(string(a.Category)), len(names))
		}
		if id := string(a.Image); !slices.Contains(labels[id], name) {
			labels[id] = append(labels[id], name)
		}
	}
	images := &jsonList{coco: true, names: []string{"file_name", cocoCategory}}
	at, line := 0, 1
	for _, raw := range c.Images {
		if i := bytes.Index(text[at:], raw); i >= 0 {
			line += bytes.Count(text[at:at+i], []byte("\n"))
			at += i
		}
		fields, err := images.object(json.NewDecoder(bytes.NewReader(raw)))
		if err != nil {
			return nil, fmt.Errorf("line %d: its image is no object of fields: %w", line, err)
		}
		if all := labels[fields["id"]]; len(all) > 0 {
			text, err := json.Marshal(all)
			if err != nil {
				return nil, err
			}
			fields[cocoCategory] = string(text)
		}
		images.objects = append(images.objects, jsonObject{line, fields})
	}
	return images, nil
}
