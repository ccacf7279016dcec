package track_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/track"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// trained is a short comparison of two strategies, sent to the trackers while it trains.
func trained(t *testing.T, dir string, epochs int, trackers ...train.Tracker) *train.Run {
	t.Helper()
	data, err := datasets.Load("sketches")
	if err != nil {
		t.Fatal(err)
	}
	small := *data
	small.Train, small.Val = data.Train.FirstPerClass(2), data.Val.FirstPerClass(2)
	model, err := zoo.Load("resnet20.SHAPES")
	if err != nil {
		t.Fatal(err)
	}
	run, err := train.Recipe{Epochs: epochs, Dir: dir, Quiet: true, Track: trackers}.Compare(t.Context(), "tracked", &small, model, strategy.Transfer{}, strategy.FineTune{})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// TestTensorBoard: the files grow by epochs, are the same whether written while training or afterwards, and are written
// anew where the history is another.
func TestTensorBoard(t *testing.T) {
	dir, logs := t.TempDir(), t.TempDir()
	board := track.TensorBoard(logs)
	run := trained(t, dir, 2, board)
	file := func(strategy string) string {
		names, _ := filepath.Glob(filepath.Join(logs, "tracked", strategy, "*tfevents*"))
		if len(names) != 1 {
			t.Fatalf("files %v of %s, want one", names, strategy)
		}
		data, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	transfer, fine := file("transfer"), file("finetune")
	for _, name := range []string{"brain.Event:2", "loss/train", "loss/val", "accuracy/train", "accuracy/val", "learning_rate", "seconds", "images_per_second"} {
		want := 2
		if name == "brain.Event:2" {
			want = 1
		}
		if n := strings.Count(transfer, name); n != want {
			t.Errorf("%s is there %d times, want %d", name, n, want)
		}
	}
	if err := run.Track(t.Context(), board); err != nil || file("transfer") != transfer || file("finetune") != fine {
		t.Errorf("sent again: %v, or other files", err)
	}
	// Killed, and resumed from an earlier checkpoint: a file of another name has the history as it is now.
	other := *run.Results[0]
	other.History = slices.Clone(other.History)
	other.History[1].Seconds++
	if err := board.Track(t.Context(), run, &other); err != nil || file("transfer") == transfer || strings.Count(file("transfer"), "loss/val") != 2 {
		t.Errorf("another history: %v, %d bytes", err, len(file("transfer")))
	}
	other.History = append(other.History, other.History[1])
	before := file("transfer")
	if err := board.Track(t.Context(), run, &other); err != nil || !strings.HasPrefix(file("transfer"), before) || strings.Count(file("transfer"), "loss/val") != 3 {
		t.Errorf("one more epoch: %v, %d bytes after %d", err, len(file("transfer")), len(before))
	}
}

// server is an MLflow server in small: what TestMLflow needs of its REST API, in memory. TestPeers has a real one.
type server struct {
	sync.Mutex
	calls   []string
	runs    map[string]map[string]any // by tlkit.id
	metrics map[string]int            // number by "run key step"
	fail    bool
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Lock()
	defer s.Unlock()
	var body map[string]any
	json.NewDecoder(r.Body).Decode(&body)
	call := strings.TrimPrefix(r.URL.Path, "/api/2.0/mlflow/")
	s.calls = append(s.calls, call)
	refuse := func(code int, name string) {
		w.WriteHeader(code)
		json.NewEncoder(w).Encode(map[string]string{"error_code": name, "message": "in this test"})
	}
	if s.fail {
		refuse(http.StatusForbidden, "PERMISSION_DENIED")
		return
	}
	switch call {
	case "experiments/get-by-name":
		if len(s.calls) == 1 {
			refuse(http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"experiment": map[string]string{"experiment_id": "7"}})
	case "experiments/create":
		json.NewEncoder(w).Encode(map[string]string{"experiment_id": "7"})
	case "runs/search":
		id := strings.Split(body["filter"].(string), "'")[1]
		var found []any
		if run, ok := s.runs[id]; ok {
			found = append(found, run)
		}
		json.NewEncoder(w).Encode(map[string]any{"runs": found})
	case "runs/create":
		id := body["tags"].([]any)[0].(map[string]any)["value"].(string)
		run := map[string]any{"info": map[string]any{"run_id": fmt.Sprint("run", len(s.runs)), "status": "RUNNING"}, "data": map[string]any{}}
		s.runs[id] = run
		json.NewEncoder(w).Encode(map[string]any{"run": run})
	case "runs/log-batch":
		for _, m := range list(body["metrics"]) {
			s.metrics[fmt.Sprint(body["run_id"], " ", m["key"], " ", m["step"])]++
			for _, run := range s.runs {
				if run["info"].(map[string]any)["run_id"] == body["run_id"] && m["key"] == "seconds" {
					run["data"].(map[string]any)["metrics"] = []any{m}
				}
			}
		}
		if params := list(body["params"]); len(params) > 0 {
			for _, run := range s.runs {
				if run["info"].(map[string]any)["run_id"] == body["run_id"] {
					run["data"].(map[string]any)["params"] = body["params"]
				}
			}
		}
		w.Write([]byte("{}"))
	case "runs/set-tag":
		for id, run := range s.runs {
			if run["info"].(map[string]any)["run_id"] == body["run_id"] && body["key"] == "tlkit.id" {
				delete(s.runs, id)
				s.runs[body["value"].(string)] = run
			}
		}
		w.Write([]byte("{}"))
	case "runs/update":
		for _, run := range s.runs {
			if info := run["info"].(map[string]any); info["run_id"] == body["run_id"] {
				info["status"] = body["status"]
			}
		}
		w.Write([]byte("{}"))
	default:
		refuse(http.StatusNotFound, "ENDPOINT_NOT_FOUND")
	}
}

func list(v any) (maps []map[string]any) {
	if all, ok := v.([]any); ok {
		for _, one := range all {
			maps = append(maps, one.(map[string]any))
		}
	}
	return maps
}

// TestOffline: where TLKIT_OFFLINE is set, nothing is sent to another machine, also not by a redirect, the training
// goes on, and Run.Track sends all later. A server on this machine gets all.
func TestOffline(t *testing.T) {
	s := &server{runs: map[string]map[string]any{}, metrics: map[string]int{}}
	asked := 0
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		s.ServeHTTP(w, r)
	}))
	defer host.Close()
	away := strings.Replace(host.URL, "127.0.0.1", "0.0.0.0", 1) // reaches this machine, and is no address of it alone
	flow := track.MLflow(track.MLflowOptions{URI: away})
	t.Setenv("TLKIT_OFFLINE", "1")
	run := trained(t, t.TempDir(), 2, flow)
	redirects := httptest.NewServer(http.RedirectHandler(away, http.StatusTemporaryRedirect))
	defer redirects.Close()
	for _, uri := range []string{away, "http://[2001:db8::1]:5000", "http://localhost.example", redirects.URL} {
		err := run.Track(t.Context(), track.MLflow(track.MLflowOptions{URI: uri}))
		if !errors.Is(err, fetch.ErrOffline) || !strings.Contains(err.Error(), "unset TLKIT_OFFLINE") || asked > 0 {
			t.Errorf("offline, to %s: %v, %d requests; want an error and none", uri, err, asked)
		}
	}
	for _, uri := range []string{host.URL, strings.Replace(host.URL, "127.0.0.1", "Localhost", 1)} {
		if err := run.Track(t.Context(), track.MLflow(track.MLflowOptions{URI: uri})); err != nil || len(s.runs) != 2 || len(s.metrics) != 2*2*7 {
			t.Errorf("offline, to %s: %v, %d runs, %d figures; want 2 and 28", uri, err, len(s.runs), len(s.metrics))
		}
	}
	s.runs, s.metrics = map[string]map[string]any{}, map[string]int{}
	t.Setenv("TLKIT_OFFLINE", "")
	if err := run.Track(t.Context(), flow); err != nil || len(s.runs) != 2 || len(s.metrics) != 2*2*7 {
		t.Errorf("later: %v, %d runs, %d figures; want 2 and 28", err, len(s.runs), len(s.metrics))
	}
}

// TestMLflow: each strategy is a run, each epoch is sent once, however often the figures are sent.
func TestMLflow(t *testing.T) {
	s := &server{runs: map[string]map[string]any{}, metrics: map[string]int{}}
	host := httptest.NewServer(s)
	defer host.Close()
	flow := track.MLflow(track.MLflowOptions{URI: host.URL})
	run := trained(t, t.TempDir(), 3, flow)
	if err := run.Track(t.Context(), flow); err != nil {
		t.Fatal(err)
	}
	if len(s.runs) != 2 || len(s.metrics) != 2*3*7 {
		t.Errorf("%d runs, %d figures, want 2 and 42", len(s.runs), len(s.metrics))
	}
	for key, n := range s.metrics {
		if n != 1 {
			t.Errorf("%s was sent %d times", key, n)
		}
	}
	for id, r := range s.runs {
		if params := r["data"].(map[string]any)["params"]; len(list(params)) < 12 {
			t.Errorf("run %s has the parameters %v", id, params)
		}
		if status := r["info"].(map[string]any)["status"]; status != "FINISHED" || !strings.HasPrefix(id, "tracked/") {
			t.Errorf("run %s is %s", id, status)
		}
	}
	// Killed after the last epoch was sent, and resumed from an earlier checkpoint: another run has all its epochs.
	for id, r := range s.runs {
		if strings.HasPrefix(id, "tracked/transfer/") {
			r["info"].(map[string]any)["status"] = "RUNNING"
		}
	}
	other := *run.Results[0]
	other.History = slices.Clone(other.History)
	other.History[2].Seconds++
	if err := flow.Track(t.Context(), run, &other); err != nil {
		t.Fatal(err)
	}
	if len(s.runs) != 3 || len(s.metrics) != 3*3*7 {
		t.Errorf("%d runs, %d figures, want 3 and 63", len(s.runs), len(s.metrics))
	}
	killed := 0
	for _, r := range s.runs {
		if r["info"].(map[string]any)["status"] == "KILLED" {
			killed++
		}
	}
	if killed != 1 {
		t.Errorf("%d runs are KILLED, want 1", killed)
	}
	// A training that diverged in its first epoch is there, and has failed.
	lost := *run.Results[1]
	lost.History, lost.Diverged, lost.Done, lost.Made = nil, &train.Divergence{Epoch: 1}, false, "another"
	if err := flow.Track(t.Context(), run, &lost); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for id, r := range s.runs {
		if strings.HasPrefix(id, "tracked/finetune/another/") && r["info"].(map[string]any)["status"] == "FAILED" {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d runs have diverged and FAILED, want 1", failed)
	}
}

// TestTwoRunsOfOneName holds that runs of one name in two folders are two to the trackers, whichever is sent again.
func TestTwoRunsOfOneName(t *testing.T) {
	s := &server{runs: map[string]map[string]any{}, metrics: map[string]int{}}
	host := httptest.NewServer(s)
	defer host.Close()
	logs := t.TempDir()
	flow, board := track.MLflow(track.MLflowOptions{URI: host.URL}), track.TensorBoard(logs)
	files := func() map[string]string {
		names, err := filepath.Glob(filepath.Join(logs, "*", "*", "*tfevents*"))
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = string(data)
		}
		return all
	}
	first := trained(t, t.TempDir(), 2, flow, board)
	before := files()
	second := trained(t, t.TempDir(), 2, flow, board)
	after := files()
	for name, data := range before {
		if after[name] != data {
			t.Errorf("the second run changed %s", name)
		}
	}
	for _, run := range []*train.Run{first, second, first} {
		if err := run.Track(t.Context(), flow, board); err != nil {
			t.Fatal(err)
		}
	}
	if !maps.Equal(files(), after) || len(after) != 4 {
		t.Errorf("%d event files, want 4, the same after sending them again", len(after))
	}
	if len(s.runs) != 4 || len(s.metrics) != 4*2*7 {
		t.Errorf("%d runs and %d figures on the server, want 4 and 56", len(s.runs), len(s.metrics))
	}
	for id, r := range s.runs {
		if status := r["info"].(map[string]any)["status"]; status != "FINISHED" {
			t.Errorf("run %s is %v", id, status)
		}
	}
}

// TestFailure: a tracker that fails does not end the training, nor is it called again; Run.Track says why, without the
// secrets of the address.
func TestFailure(t *testing.T) {
	s := &server{fail: true}
	host := httptest.NewServer(s)
	address := strings.Replace(host.URL, "http://", "http://user:secret@", 1)
	flow := track.MLflow(track.MLflowOptions{URI: address})
	run := trained(t, t.TempDir(), 3, flow)
	if len(run.Results) != 2 || len(run.Results[1].History) != 3 || len(s.calls) != 1 {
		t.Errorf("%d results, %d calls of the server, want 2 and 1", len(run.Results), len(s.calls))
	}
	err := run.Track(t.Context(), flow)
	if err == nil || !strings.Contains(err.Error(), "PERMISSION_DENIED in this test") || strings.Contains(err.Error(), "secret") {
		t.Errorf("refused: %v", err)
	}
	host.Close()
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("enough"))
	for _, c := range []struct {
		uri, want string
		ctx       context.Context
	}{{address, "can't be reached", t.Context()}, {"", "MLFLOW_TRACKING_URI", t.Context()}, {"sqlite:///mlruns.db", "such as http://127.0.0.1:5000", t.Context()}, {host.URL, "canceled", ctx}} {
		t.Setenv("MLFLOW_TRACKING_URI", "")
		err := run.Track(c.ctx, track.MLflow(track.MLflowOptions{URI: c.uri}))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", c.uri, err, c.want)
		}
	}
}
