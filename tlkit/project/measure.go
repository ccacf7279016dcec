package project

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/peakmem"
)

// Measured are the figures of a program that was built and tried.
type Measured struct {
	// Machine names the processor's architecture, the cores and the system.
	Machine string
	// ModelMB is the size of the model's file, ProgramMB that of the program with it, in megabytes (10^6 bytes).
	ModelMB, ProgramMB string
	// StartMS is the time from the program's start until it listens, ImageMS the median time of a request, in
	// milliseconds.
	StartMS int64
	ImageMS string
	// Images is the number of requests that were made: 100, or as many as fit into 20 seconds.
	Images int
	// MemoryMB is the largest resident memory after these requests, one of 16 images and one for a map, in megabytes;
	// "not measured" on other systems than Linux.
	MemoryMB string

	peak float64 // MemoryMB in bytes; 0 if it was not measured
}

// build builds the program without a network, tries it, and removes it.
func (w *writer) build(ctx context.Context) error {
	program := filepath.Join(w.dir, w.view.Name)
	_, err := goCommand(ctx, w.dir, "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./cmd/"+w.view.Name)
	if errors.Is(err, exec.ErrNotFound) {
		w.note("the program was not built: the go command is not on PATH")
		return nil
	}
	if err != nil {
		return fmt.Errorf("project: the project does not build: %w", err)
	}
	defer os.Remove(program)
	m := &Measured{Machine: fmt.Sprintf("%s/%s, %d cores, pure-Go engine", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()), MemoryMB: "not measured"}
	if m.ProgramMB, err = megabytes(program); err != nil {
		return err
	}
	if m.ModelMB, err = megabytes(filepath.Join(w.dir, "classifier", w.view.ModelFile)); err != nil {
		return err
	}
	if err := m.try(ctx, program, w.sampleImage()); err != nil {
		return fmt.Errorf("project: trying the program: %w", err)
	}
	w.view.Measured, w.project.Measured = m, m
	return nil
}

func megabytes(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("project: %w", err)
	}
	return strconv.FormatFloat(float64(info.Size())/1e6, 'f', 1, 64), nil
}

// sampleImage returns an image file to measure with: the first of the test's, else a small black picture.
func (w *writer) sampleImage() []byte {
	if len(w.view.Samples) > 0 {
		if data, err := os.ReadFile(filepath.Join(w.dir, "classifier", "testdata", w.view.Samples[0].File)); err == nil {
			return data
		}
	}
	return []byte("P6 64 64 255\n" + string(make([]byte, 3*64*64)))
}

// maxTried and maxTrying bound the requests that measure a program.
const (
	maxTried  = 100
	maxTrying = 20 * time.Second
)

// try serves requests one after the other.
func (m *Measured) try(ctx context.Context, program string, image []byte) error {
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, program, "serve", "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "GOMLX_BACKEND=go")
	log, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // its end is of no interest
	}()
	lines := bufio.NewReader(log)
	address, err := listening(lines)
	if err != nil {
		return err
	}
	m.StartMS = time.Since(started).Milliseconds()
	go io.Copy(io.Discard, lines) // so that the program does not wait for a reader
	var times []time.Duration
	for first := time.Now(); len(times) < maxTried && (len(times) == 0 || time.Since(first) < maxTrying); {
		began := time.Now()
		if err := post(ctx, "http://"+address+"/predict", "image/png", image); err != nil {
			return err
		}
		times = append(times, time.Since(began))
	}
	kind, several, err := form(image, atOnce)
	if err != nil {
		return err
	}
	if err := post(ctx, "http://"+address+"/predict", kind, several); err != nil { // for the memory of whole batches
		return err
	}
	if err := post(ctx, "http://"+address+"/explain", "image/png", image); err != nil && !errors.Is(err, errUnexplained) { // and of gradients
		return err
	}
	slices.Sort(times)
	m.Images = len(times)
	m.ImageMS = strconv.FormatFloat(times[len(times)/2].Seconds()*1000, 'f', 1, 64)
	if peak, ok := peakmem.Of(cmd.Process.Pid); ok {
		m.peak, m.MemoryMB = peak, strconv.FormatFloat(peak/1e6, 'f', 0, 64)
	}
	return nil
}

// listening reads the program's log up to the line with its address.
func listening(log *bufio.Reader) (string, error) {
	var seen bytes.Buffer
	for {
		line, err := log.ReadBytes('\n')
		seen.Write(line)
		if err != nil {
			return "", fmt.Errorf("it ended before it listened: %s", &seen)
		}
		var entry struct{ Msg, Address string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "listening" {
			return entry.Address, nil
		}
	}
}

// atOnce is the number of images of the request that measures the memory of whole batches.
const atOnce = 16

// form returns a form with n times the same image.
func form(image []byte, n int) (kind string, body []byte, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for range n {
		part, err := w.CreateFormFile("image", "sample.png")
		if err == nil {
			_, err = part.Write(image)
		}
		if err != nil {
			return "", nil, err
		}
	}
	err = w.Close()
	return w.FormDataContentType(), b.Bytes(), err
}

// errUnexplained is the answer of a program whose network has no maps.
var errUnexplained = errors.New("it answers that its network can't be explained")

func post(ctx context.Context, url, kind string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", kind)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode == http.StatusNotImplemented {
		return errUnexplained
	}
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers %d: %s", answer.StatusCode, text)
	}
	return err
}
