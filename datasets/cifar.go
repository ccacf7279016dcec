package datasets

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/filelock"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// The original CIFAR-10: https://www.cs.toronto.edu/~kriz/cifar.html, "CIFAR-10 binary version".
const (
	cifarArchive = "cifar-10-binary.tar.gz"
	cifarFolder  = "cifar-10-batches-bin"
	cifarImages  = 10_000        // per file
	cifarRecord  = 1 + 3*cifarHW // a label, then the red, the green and the blue plane
	cifarHW      = 32 * 32
)

var cifarClasses = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

var cifarBatches = []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"}

// openCIFAR reads the original's folder, or its archive, which is unpacked into the cache first.
func openCIFAR(p string, o Options) (*Dataset, error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		cache, err := fetch.CacheDir("datasets", cifarFolder)
		if err != nil {
			return nil, err
		}
		if err := unpackCIFAR(p, cache); err != nil {
			return nil, err
		}
		p = cache
	}
	c := cifar{batches: make([]*os.File, len(cifarBatches)), contents: make([]content, 0, cifarImages*len(cifarBatches))}
	d := &Dataset{Classes: slices.Clone(cifarClasses), Source: p}
	newSplit := func() *Split { return &Split{classes: d.Classes, read: c.image, sums: c.sums} }
	d.Train, d.Val, d.Test = newSplit(), newSplit(), newSplit()
	for b, name := range cifarBatches {
		split, folder := d.Train, "train"
		if b == len(cifarBatches)-1 {
			split, folder = d.Test, "test"
		}
		labels, err := c.open(b, filepath.Join(p, name))
		if err != nil {
			return nil, err
		}
		for i, label := range labels {
			split.items = append(split.items, item{
				name:  fmt.Sprintf("%s/%s/%05d", folder, d.Classes[label], split.Len()),
				label: label, key: b*cifarImages + i,
			})
		}
	}
	sortItems(d.Train.items)
	sortItems(d.Test.items)
	d.arrange(o)
	return d, nil
}

// cifar holds the batches of the original, with the contents of all images.
type cifar struct {
	batches  []*os.File // open for the life of the process, as the zip files are
	contents []content
}

// open reads batch b once for its labels and contents.
func (c *cifar) open(b int, name string) (labels []int, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	c.batches[b] = f
	if info, err := f.Stat(); err != nil || info.Size() != cifarImages*cifarRecord {
		return nil, fmt.Errorf("%s has not the %d bytes of a CIFAR-10 batch (error: %v); remove it to have it made anew", name, cifarImages*cifarRecord, err)
	}
	r := bufio.NewReaderSize(f, 1<<20)
	record := make([]byte, cifarRecord)
	for i := range cifarImages {
		if _, err := io.ReadFull(r, record); err != nil {
			return nil, err
		}
		if int(record[0]) >= len(cifarClasses) {
			return nil, fmt.Errorf("%s: image %d has label %d; expected 0 to %d", name, i, record[0], len(cifarClasses)-1)
		}
		labels = append(labels, int(record[0]))
		c.contents = append(c.contents, content{size: cifarRecord, crc: crc32.ChecksumIEEE(record)})
	}
	return labels, nil
}

func (c *cifar) image(it item) (*vision.Image, error) {
	record := make([]byte, cifarRecord)
	if _, err := c.batches[it.key/cifarImages].ReadAt(record, int64(it.key%cifarImages)*cifarRecord); err != nil {
		return nil, err
	}
	m := vision.New(32, 32)
	for i := range cifarHW {
		m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2] = record[1+i], record[1+cifarHW+i], record[1+2*cifarHW+i]
	}
	return m, nil
}

func (c *cifar) sums(keys []int) []content {
	out := make([]content, len(keys))
	for i, k := range keys {
		out[i] = c.contents[k]
	}
	return out
}

// unpackCIFAR writes the batches of the archive into folder, each under a temporary name first. It extracts only those
// files, of the right size, and ignores everything else in the archive.
func unpackCIFAR(archive, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	lock, err := filelock.Wait(context.Background(), filepath.Join(folder, ".lock"))
	if err != nil {
		return fmt.Errorf("locking %s: %w", folder, err)
	}
	defer lock.Close()
	missing := map[string]bool{}
	for _, name := range cifarBatches {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			missing[name] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	for t := tar.NewReader(z); len(missing) > 0; {
		h, err := t.Next()
		if err == io.EOF {
			return fmt.Errorf("%s lacks %d of the CIFAR-10 batches", archive, len(missing))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
		name := path.Base(h.Name)
		if !missing[name] || h.Typeflag != tar.TypeReg {
			continue
		}
		if h.Size != cifarImages*cifarRecord {
			return fmt.Errorf("%s: %s has %d bytes; expected %d", archive, h.Name, h.Size, cifarImages*cifarRecord)
		}
		if err := atomicfile.Write(filepath.Join(folder, name), t); err != nil {
			return err
		}
		delete(missing, name)
	}
	return nil
}
