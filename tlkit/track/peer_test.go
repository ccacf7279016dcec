package track_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/track"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestPeers: TensorBoard reads the figures of the event files, and an MLflow server has those that were sent to it.
// TLKIT_TRACK_PYTHON names a Python with tensorboard and mlflow.
func TestPeers(t *testing.T) {
	python := os.Getenv("TLKIT_TRACK_PYTHON")
	if python == "" {
		t.Skip("TLKIT_TRACK_PYTHON names no Python with tensorboard and mlflow")
	}
	logs := t.TempDir()
	address := startMLflow(t, python)
	flow := track.MLflow(track.MLflowOptions{URI: address, Experiment: "ants & bees"})
	run := trained(t, t.TempDir(), 3, track.TensorBoard(logs), flow)
	if err := run.Track(t.Context(), flow); err != nil {
		t.Fatal(err)
	}

	out, err := exec.Command(python, "testdata/read_events.py", logs).Output()
	if err != nil {
		t.Fatal(err)
	}
	var board map[string]map[string][][2]float64
	if err := json.Unmarshal(out, &board); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	for _, r := range run.Results {
		tags := board["tracked/"+r.Strategy]
		if len(tags) != 7 || len(tags["loss/val"]) != 3 {
			t.Fatalf("TensorBoard reads %v of %s", tags, r.Strategy)
		}
		for i, e := range r.History {
			if got := tags["loss/val"][i]; int(got[0]) != e.Epoch || math.Abs(got[1]-e.ValLoss) > 1e-5 {
				t.Errorf("TensorBoard: loss of %s in epoch %d is %v, want %g", r.Strategy, e.Epoch, got, e.ValLoss)
			}
		}
	}
	checkMLflow(t, address, run)
}

// startMLflow starts a server on a free port and waits until it is ready.
func startMLflow(t *testing.T, python string) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	_, port, _ := net.SplitHostPort(address)
	dir := t.TempDir()
	cmd := exec.Command(filepath.Join(filepath.Dir(python), "mlflow"), "server", "--host", "127.0.0.1", "--port", port, "--workers", "1",
		"--backend-store-uri", "sqlite:///"+dir+"/mlflow.db", "--artifacts-destination", dir)
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setpgid: true}
	log := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	for end := time.Now().Add(4 * time.Minute); ; {
		if resp, err := http.Get("http://" + address + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "http://" + address
			}
		}
		if time.Now().After(end) {
			t.Fatalf("the server is not ready\n%s", log)
		}
		time.Sleep(200 * time.Millisecond) // between two questions
	}
}

// checkMLflow compares the server's runs with a comparison's results.
func checkMLflow(t *testing.T, address string, run *train.Run) {
	t.Helper()
	post := func(path, body string, into any) {
		t.Helper()
		resp, err := http.Post(address+"/api/2.0/mlflow/"+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatalf("%s: %v in %s", path, err, text)
		}
	}
	var found struct {
		Runs []struct {
			Info struct {
				RunID  string `json:"run_id"`
				Name   string `json:"run_name"`
				Status string
			}
			Data struct{ Params []struct{ Key, Value string } }
		}
	}
	post("runs/search", `{"experiment_ids": ["1"]}`, &found)
	if len(found.Runs) != len(run.Results) {
		t.Fatalf("%d runs on the server, want %d", len(found.Runs), len(run.Results))
	}
	for _, there := range found.Runs {
		r, err := run.Result(strings.TrimPrefix(there.Info.Name, "tracked/"))
		if err != nil || there.Info.Status != "FINISHED" || len(there.Data.Params) < 12 {
			t.Fatalf("run %+v: %v", there, err)
		}
		resp, err := http.Get(fmt.Sprintf("%s/api/2.0/mlflow/metrics/get-history?run_id=%s&metric_key=accuracy/val", address, there.Info.RunID))
		if err != nil {
			t.Fatal(err)
		}
		var history struct {
			Metrics []struct {
				Step  int
				Value float64
			}
		}
		err = json.NewDecoder(resp.Body).Decode(&history)
		resp.Body.Close()
		if err != nil || len(history.Metrics) != len(r.History) {
			t.Fatalf("%s has %d figures (%v), want %d", there.Info.Name, len(history.Metrics), err, len(r.History))
		}
		for i, m := range history.Metrics {
			if m.Step != i+1 || m.Value != r.History[i].ValAccuracy {
				t.Errorf("%s: step %d has %g, want %g in %d", there.Info.Name, m.Step, m.Value, r.History[i].ValAccuracy, i+1)
			}
		}
	}
}
