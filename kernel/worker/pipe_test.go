//go:build linux

package worker

import (
	"bytes"
	"encoding/gob"
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// TestFrames cuts a gob stream at every place and must find the same messages.
func TestFrames(t *testing.T) {
	var stream bytes.Buffer
	enc := gob.NewEncoder(&stream)
	long := bytes.Repeat([]byte("x"), 70_000)
	for _, d := range []protocol.DisplayData{
		{Data: map[protocol.MIMEType]any{protocol.MIMETextHTML: "<b>"}, DisplayID: "id"},
		{Data: map[protocol.MIMEType]any{protocol.MIMECommValue: &protocol.CommValue{Address: "#gonbui/sync", Value: 0}}},
		{Data: map[protocol.MIMEType]any{protocol.MIMEImagePNG: long}},
		{Data: map[protocol.MIMEType]any{protocol.MIMEJupyterInput: &protocol.InputRequest{Prompt: "?"}}},
		{Data: map[protocol.MIMEType]any{protocol.MIMECommSubscribe: &protocol.CommSubscription{Address: "/a"}}},
		// A chart: JSON objects in data and metadata, which GoNB's kernel takes.
		{Data: map[protocol.MIMEType]any{"application/vnd.vegalite.v5+json": map[string]any{"layer": []any{"a", 1.5}}},
			Metadata: map[string]any{"image/png": map[string]any{"width": 3}}},
	} {
		if err := enc.Encode(&d); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []int{1, 2, 7, 100, 4096, stream.Len()} {
		var r frameReader
		var got []protocol.DisplayData
		for data := stream.Bytes(); len(data) > 0; data = data[min(step, len(data)):] {
			if err := r.add(data[:min(step, len(data))], func(d protocol.DisplayData) { got = append(got, d) }); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) != 6 {
			t.Fatalf("in pieces of %d: %d messages, want 6", step, len(got))
		}
		if v, ok := got[1].Data[protocol.MIMECommValue].(protocol.CommValue); !ok || v.Address != "#gonbui/sync" {
			t.Errorf("in pieces of %d: %#v", step, got[1].Data)
		}
		if png, ok := got[2].Data[protocol.MIMEImagePNG].([]byte); !ok || !bytes.Equal(png, long) {
			t.Errorf("in pieces of %d: the picture is another", step)
		}
		if v, ok := got[3].Data[protocol.MIMEJupyterInput].(protocol.InputRequest); !ok || v.Prompt != "?" {
			t.Errorf("in pieces of %d: %#v", step, got[3].Data)
		}
		if v, ok := got[5].Data["application/vnd.vegalite.v5+json"].(map[string]any); !ok || len(v["layer"].([]any)) != 2 {
			t.Errorf("in pieces of %d: %#v", step, got[5].Data)
		}
	}
}

// TestFramesBroken: bytes that are no gob give an error, once, and never block.
func TestFramesBroken(t *testing.T) {
	var r frameReader
	none := func(d protocol.DisplayData) { t.Errorf("a message out of nothing: %v", d) }
	if err := r.add([]byte("\x05hello, this is no gob at all"), none); err == nil {
		t.Error("no error for bytes that are no gob")
	}
	if err := r.add([]byte("more"), none); err != nil {
		t.Errorf("the error came again: %v", err)
	}
}
