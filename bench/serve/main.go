// Command serve compares a service written by TLKit with FastAPI on PyTorch and on ONNX Runtime: images per second,
// latency, the service's CPU time for an image, memory and time to start, one after the other on this machine, with the
// same network (random weights), image and clients.
//
//	go run ./bench/serve -image bee.jpg -python /opt/peer/bin/python
//
// The clients run on the same cores as the service, in all cases. The CPU time of an image tells how many images a core
// can do in a second, also on a machine with other work. Without -python only ours is measured.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/peakmem"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

//go:embed peer.py
var peer string

// figures are those of one service.
type figures struct {
	name          string
	start         time.Duration // until it answers
	times         []time.Duration
	took          time.Duration
	failed        atomic.Int64
	cpu           time.Duration // of the service for an image; 0 where the system does not tell
	perSecond     float64
	peakMB        float64
	p50, p99, max time.Duration
}

func main() {
	network := flag.String("model", "resnet18", "network, by torchvision's name")
	file := flag.String("image", "", "image file to classify")
	requests := flag.Int("requests", 10000, "number of requests")
	clients := flag.Int("clients", 64, "number of clients at one time")
	python := flag.String("python", "", "Python with torch, torchvision, onnxruntime, fastapi and uvicorn; none: no peer")
	flag.Parse()
	if err := run(*network, *file, *python, *requests, *clients); err != nil {
		fmt.Fprintln(os.Stderr, "bench/serve:", err)
		os.Exit(1)
	}
}

func run(network, file, python string, requests, clients int) error {
	image, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w; name an image file with -image", err)
	}
	dir, err := os.MkdirTemp("", "bench-serve-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	port, err := freePort()
	if err != nil {
		return err
	}
	program, err := buildOurs(dir, network)
	if err != nil {
		return err
	}
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("%s, %d requests, %d clients, %s/%s, %d cores, load before: %s", network, requests, clients, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load)
	ours, err := measure("TLKit, pure Go", port, image, requests, clients, program, "serve", "-addr", "127.0.0.1:"+port, "-queue", strconv.Itoa(2*clients))
	if err != nil {
		return err
	}
	all := []*figures{ours}
	if python != "" {
		script := filepath.Join(dir, "peer.py")
		if err := os.WriteFile(script, []byte(peer), 0o644); err != nil {
			return err
		}
		for _, peer := range []struct{ name, engine, network string }{
			{"FastAPI + PyTorch", "torch", network},
			{"FastAPI + ONNX Runtime", "onnx", filepath.Join(dir, "model.onnx")},
		} {
			theirs, err := measure(peer.name, port, image, requests, clients, python, script, peer.engine, peer.network, strconv.Itoa(len(classes)), port)
			if err != nil {
				return err
			}
			all = append(all, theirs)
		}
	}
	report(all)
	return nil
}

var classes = []string{"ants", "bees"}

// buildOurs writes a project around a network with random weights, beside the network as model.onnx, and builds its
// program.
func buildOurs(dir, network string) (string, error) {
	model, err := zoo.Load(network, zoo.LoadOptions{Weights: zoo.Random, Classes: classes, Seed: 1})
	if err != nil {
		return "", err
	}
	if err := model.Export(filepath.Join(dir, "model.onnx")); err != nil { // for the peer
		return "", err
	}
	home := filepath.Join(dir, "bench")
	if _, err := project.Write(context.Background(), "bench", model, project.Options{Dir: home, SkipBuild: true}); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "program")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./cmd/bench")
	cmd.Dir, cmd.Env = home, append(os.Environ(), "CGO_ENABLED=0", "GOEXPERIMENT=simd")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return program, nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

// measure starts a service, sends the requests, and ends it.
func measure(name, port string, image []byte, requests, clients int, command ...string) (*figures, error) {
	f := &figures{name: name}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "GOMLX_BACKEND=go")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	base := "http://127.0.0.1:" + port
	for !answers(base + "/healthz") {
		if time.Since(began) > 5*time.Minute {
			return nil, fmt.Errorf("%s did not start: %s", name, &log)
		}
		time.Sleep(time.Millisecond)
	}
	f.start = time.Since(began)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	f.send(client, base+"/predict", image, 2*clients, clients) // warms up
	f.failed.Store(0)
	before := cpuTime(cmd.Process.Pid)
	f.send(client, base+"/predict", image, requests, clients)
	f.cpu = (cpuTime(cmd.Process.Pid) - before) / time.Duration(requests)
	peak, _ := peakmem.Of(cmd.Process.Pid) // 0 where the system has no such figure
	f.peakMB = peak / 1e6
	client.CloseIdleConnections()
	return f, nil
}

// cpuTime returns the CPU time that a process has used; 0 on other systems than Linux.
func cpuTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	const perSecond = 100                                                     // of Linux's ticks
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the third on
	var ticks int
	for _, f := range fields[11:13] {
		n, _ := strconv.Atoi(f) // digits, as proc(5) says
		ticks += n
	}
	return time.Duration(ticks) * time.Second / perSecond
}

func answers(url string) bool {
	answer, err := http.Get(url)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// send posts an image many times from several clients.
func (f *figures) send(client *http.Client, url string, image []byte, requests, clients int) {
	f.times = make([]time.Duration, requests)
	var next atomic.Int64
	var wait sync.WaitGroup
	began := time.Now()
	for range clients {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= requests {
					return
				}
				sent := time.Now()
				if err := post(client, url, image); err != nil {
					f.failed.Add(1)
				}
				f.times[i] = time.Since(sent)
			}
		})
	}
	wait.Wait()
	f.took = time.Since(began)
	slices.Sort(f.times)
	f.perSecond = float64(requests) / f.took.Seconds()
	f.p50, f.p99, f.max = f.times[requests/2], f.times[requests*99/100], f.times[requests-1]
}

func post(client *http.Client, url string, image []byte) error {
	answer, err := client.Post(url, "image/jpeg", bytes.NewReader(image))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return nil
}

func report(all []*figures) {
	fmt.Printf("%-23s %9s %9s %9s %9s %9s %7s %9s %9s\n", "", "images/s", "CPU ms", "p50 ms", "p99 ms", "max ms", "failed", "start ms", "peak MB")
	for _, f := range all {
		fmt.Printf("%-23s %9.1f %9.2f %9d %9d %9d %7d %9d %9.0f\n", f.name, f.perSecond, 1000*f.cpu.Seconds(), f.p50.Milliseconds(), f.p99.Milliseconds(),
			f.max.Milliseconds(), f.failed.Load(), f.start.Milliseconds(), f.peakMB)
	}
	for _, b := range all[1:] {
		a := all[0]
		fmt.Printf("ours to %s: %.2f x the images/s, %.2f x the images per second of CPU, %.2f x the memory, starts %.0f x as fast\n", b.name,
			a.perSecond/b.perSecond, b.cpu.Seconds()/a.cpu.Seconds(), a.peakMB/b.peakMB, b.start.Seconds()/a.start.Seconds())
	}
}
