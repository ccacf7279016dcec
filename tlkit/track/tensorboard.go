package track

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TensorBoard returns a tracker that writes event files into DIR/RUN/STRATEGY, which `tensorboard --logdir DIR` shows.
// Where DIR/RUN is that of another run of this name, from another folder, RUN is followed by an id. A file only grows.
// Where the epochs before are others, after a changed recipe or a resumption from an earlier checkpoint, a file of
// another name takes its place, since TensorBoard reads on in a file that it knows.
func TensorBoard(dir string) train.Tracker { return tensorBoard{dir} }

type tensorBoard struct{ dir string }

func (t tensorBoard) String() string { return "TensorBoard's folder " + t.dir }

// eventFiles is the pattern of our files' names, with a number. TensorBoard takes each file whose name
// holds "tfevents".
const eventFiles = "events.out.tfevents.%d.tlkit"

func (t tensorBoard) Track(_ context.Context, run *train.Run, r *train.Result) error {
	root, err := fetch.ExpandHome(t.dir)
	if err != nil {
		return err
	}
	id, err := idOf(run)
	if err != nil {
		return err
	}
	dir := filepath.Join(root, run.Name)
	if ours, err := claim(dir, id); err != nil {
		return err
	} else if !ours {
		dir += "-" + id[:min(8, len(id))]
	}
	dir = filepath.Join(dir, label(run, r))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	number, err := newest(dir)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, fmt.Sprintf(eventFiles, number))
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	made := events(begin(old), r.History)
	switch {
	case bytes.Equal(old, made):
		return nil
	case len(old) == 0:
		return atomicfile.WriteBytes(path, made)
	case bytes.HasPrefix(made, old):
		return extend(path, made[len(old):])
	}
	if err := atomicfile.WriteBytes(filepath.Join(dir, fmt.Sprintf(eventFiles, number+1)), events(begin(nil), r.History)); err != nil {
		return err
	}
	return os.Remove(path)
}

// newest returns the number of the folder's newest file; 1 without any.
func newest(dir string) (int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	number := 1
	for _, e := range entries {
		var n int
		if _, err := fmt.Sscanf(e.Name(), eventFiles, &n); err == nil {
			number = max(number, n)
		}
	}
	return number, nil
}

// extend appends to a file, which TensorBoard may be reading.
func extend(path string, more []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(more)
	return errors.Join(err, f.Close())
}

// Field numbers of tensorboard/compat/proto/event.proto and summary.proto.
const (
	eventWallTime, eventStep, eventVersion, eventSummary = 1, 2, 3, 5
	summaryValue, valueTag, valueSimple                  = 1, 1, 2
)

// begin returns the time at which a file begins: that of its first event, so that it stays the same, or now.
func begin(file []byte) float64 {
	const header = 12
	if len(file) > header+9 && file[header] == eventWallTime<<3|byte(protowire.Fixed64Type) {
		return math.Float64frombits(binary.LittleEndian.Uint64(file[header+1:]))
	}
	return float64(time.Now().UnixMilli()) / 1e3
}

// events returns the content of an event file. Times count from began, by the epochs' seconds.
func events(began float64, history []train.Epoch) []byte {
	version := protowire.AppendString(protowire.AppendTag(nil, eventVersion, protowire.BytesType), "brain.Event:2")
	file := appendRecord(nil, event(began, 0, version))
	at := began
	for _, e := range history {
		at += e.Seconds
		var summary []byte
		for _, f := range figures(e, slices.Sorted(maps.Keys(e.Also))) {
			value := protowire.AppendString(protowire.AppendTag(nil, valueTag, protowire.BytesType), f.name)
			value = protowire.AppendFixed32(protowire.AppendTag(value, valueSimple, protowire.Fixed32Type), math.Float32bits(float32(f.value)))
			summary = protowire.AppendBytes(protowire.AppendTag(summary, summaryValue, protowire.BytesType), value)
		}
		file = appendRecord(file, event(at, e.Epoch, protowire.AppendBytes(protowire.AppendTag(nil, eventSummary, protowire.BytesType), summary)))
	}
	return file
}

// event returns an Event message with one more field.
func event(at float64, step int, field []byte) []byte {
	m := protowire.AppendFixed64(protowire.AppendTag(nil, eventWallTime, protowire.Fixed64Type), math.Float64bits(at))
	m = protowire.AppendVarint(protowire.AppendTag(m, eventStep, protowire.VarintType), uint64(step))
	return append(m, field...)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord adds a record as TensorFlow's record files have it: length, its checksum, data, their checksum. A
// checksum is rotated and a constant is added to it (tensorflow/core/lib/hash/crc32c.h, Mask).
func appendRecord(file, data []byte) []byte {
	masked := func(b []byte) uint32 {
		c := crc32.Checksum(b, castagnoli)
		return (c>>15 | c<<17) + 0xa282ead8
	}
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	file = append(file, length...)
	file = binary.LittleEndian.AppendUint32(file, masked(length))
	file = append(file, data...)
	return binary.LittleEndian.AppendUint32(file, masked(data))
}
