package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// notebook is a notebook of nbformat 4.5 that is stored without outputs.
type notebook struct {
	Cells         []*cell         `json:"cells"`
	Metadata      json.RawMessage `json:"metadata"`
	Nbformat      int             `json:"nbformat"`
	NbformatMinor int             `json:"nbformat_minor"`
}

// cell is a cell of a notebook. Outputs and execution counts are read and not written.
type cell struct {
	Type           string          `json:"cell_type"`
	ExecutionCount *int            `json:"execution_count"`
	ID             string          `json:"id"`
	Metadata       map[string]any  `json:"metadata"`
	Outputs        json.RawMessage `json:"outputs"`
	Source         text            `json:"source"`
}

// text is a string that a notebook stores as a list of lines, each with its line break.
type text string

// UnmarshalJSON takes a list of lines, or one string.
func (t *text) UnmarshalJSON(data []byte) error {
	var lines []string
	if err := json.Unmarshal(data, &lines); err != nil {
		return json.Unmarshal(data, (*string)(t))
	}
	*t = text(strings.Join(lines, ""))
	return nil
}

// lines returns the list of lines that a notebook stores.
func (t text) lines() []string {
	if t == "" {
		return []string{}
	}
	return strings.SplitAfter(strings.TrimSuffix(string(t), "\n"), "\n")
}

// readNotebook reads a notebook. A field that it does not know is an error, since it would be lost when the notebook is
// written.
func readNotebook(path string) (*notebook, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var n notebook
	if err := d.Decode(&n); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &n, nil
}

// encode returns the notebook as JSON, as Jupyter writes it: indented by one space, any script as it is.
func (n *notebook) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(n)
	return b.Bytes(), err
}

// MarshalJSON writes a code cell with empty outputs, as nbformat demands, and any other cell without.
func (c *cell) MarshalJSON() ([]byte, error) {
	fields := map[string]any{"cell_type": c.Type, "id": c.ID, "metadata": c.Metadata, "source": c.Source.lines()}
	if c.Type == "code" {
		fields["execution_count"] = nil
		fields["outputs"] = []any{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(fields)
	return b.Bytes(), err
}

// digest returns the first eight hexadecimal digits of the SHA-256 of a text.
func digest(t text) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(t)))[:8]
}
