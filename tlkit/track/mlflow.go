package track

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// MLflowOptions say where an MLflow server is. Names and secrets come from the environment, as in MLflow's own client:
// MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
type MLflowOptions struct {
	// URI of the server, such as "http://127.0.0.1:5000"; "" is MLFLOW_TRACKING_URI.
	URI string
	// Experiment that the runs belong to; "" is MLFLOW_EXPERIMENT_NAME, else "tlkit". It is made if it is not there.
	Experiment string
}

// MLflow returns a tracker that sends figures to an MLflow server by its REST API 2.0: each strategy is a run, with the
// recipe as parameters, and figures by epoch. A run is found again by its tag tlkit.id, which holds an id of the run's
// folder, so that a resumed training goes on in it, and epochs are there once. Where a killed training lost epochs that
// were sent, what is trained instead is another run. Where TLKIT_OFFLINE is set, nothing is sent to other
// machines (localhost and 127.0.0.1 are this one); [train.Run.Track] sends the figures later.
func MLflow(o MLflowOptions) train.Tracker {
	o.URI = strings.TrimRight(cmp.Or(o.URI, os.Getenv("MLFLOW_TRACKING_URI")), "/")
	o.Experiment = cmp.Or(o.Experiment, os.Getenv("MLFLOW_EXPERIMENT_NAME"), "tlkit")
	c := retryablehttp.NewClient()
	c.Logger, c.RetryMax, c.RetryWaitMin, c.RetryWaitMax = nil, 2, 200*time.Millisecond, 2*time.Second
	c.HTTPClient.CheckRedirect = redirected
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler
	return &mlflow{options: o, client: c}
}

type mlflow struct {
	options MLflowOptions
	client  *retryablehttp.Client
}

func (m *mlflow) String() string {
	if m.options.URI == "" {
		return "MLflow"
	}
	return "MLflow at " + fetch.Shown(m.options.URI)
}

// mlflowRun is a run as the server describes it.
type mlflowRun struct {
	Info struct {
		RunID  string `json:"run_id"`
		Status string `json:"status"`
	} `json:"info"`
	Data struct {
		Metrics []metric   `json:"metrics"`
		Params  []keyValue `json:"params"`
	} `json:"data"`
}

type metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
	Step      int     `json:"step"`
}

type keyValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// allowed returns an error where TLKIT_OFFLINE forbids an address. This machine's own needs no network.
func allowed(u *url.URL) error {
	host := u.Hostname()
	if !fetch.Offline() || strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback() {
		return nil
	}
	return fmt.Errorf("%w; unset TLKIT_OFFLINE, then run.Track sends them", fetch.ErrOffline)
}

// redirected is the CheckRedirect of the client, with net/http's limit.
func redirected(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	return allowed(req.URL)
}

func (m *mlflow) Track(ctx context.Context, run *train.Run, r *train.Result) error {
	u, err := url.Parse(m.options.URI)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("the server's address is %q; set MLflowOptions.URI, or MLFLOW_TRACKING_URI, to one such as http://127.0.0.1:5000", fetch.Shown(m.options.URI))
	}
	if err := allowed(u); err != nil {
		return err
	}
	experiment, err := m.experiment(ctx)
	if err != nil {
		return err
	}
	there, err := m.find(ctx, experiment, run, r)
	if err != nil {
		return err
	}
	if len(there.Data.Params) == 0 {
		if err := m.call(ctx, http.MethodPost, "runs/log-batch", map[string]any{"run_id": there.Info.RunID, "params": params(run, r)}, nil); err != nil {
			return err
		}
	}
	if err := m.log(ctx, there, r); err != nil {
		return err
	}
	status := "RUNNING"
	switch {
	case r.Diverged != nil:
		status = "FAILED"
	case r.Done:
		status = "FINISHED"
	}
	if there.Info.Status == status {
		return nil
	}
	change := map[string]any{"run_id": there.Info.RunID, "status": status}
	if status != "RUNNING" {
		change["end_time"] = time.Now().UnixMilli()
	}
	return m.call(ctx, http.MethodPost, "runs/update", change, nil)
}

// experiment returns the id of the experiment, which is made if it is not there.
func (m *mlflow) experiment(ctx context.Context) (string, error) {
	var got struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		} `json:"experiment"`
	}
	err := m.call(ctx, http.MethodGet, "experiments/get-by-name?experiment_name="+url.QueryEscape(m.options.Experiment), nil, &got)
	var refused *mlflowError
	if errors.As(err, &refused) && refused.Code == "RESOURCE_DOES_NOT_EXIST" {
		var made struct {
			ID string `json:"experiment_id"`
		}
		err := m.call(ctx, http.MethodPost, "experiments/create", map[string]any{"name": m.options.Experiment}, &made)
		if errors.As(err, &refused) && refused.Code == "RESOURCE_ALREADY_EXISTS" { // another process was faster
			err = m.call(ctx, http.MethodGet, "experiments/get-by-name?experiment_name="+url.QueryEscape(m.options.Experiment), nil, &got)
			return got.Experiment.ID, err
		}
		return made.ID, err
	}
	return got.Experiment.ID, err
}

// find returns the run of a result, which is made if it is not there. Its tag has all that a result depends
// on: a strategy that is trained anew with another recipe is another run.
func (m *mlflow) find(ctx context.Context, experiment string, run *train.Run, r *train.Result) (*mlflowRun, error) {
	folder, err := idOf(run)
	if err != nil {
		return nil, err
	}
	id := fmt.Sprintf("%s/%s/%.16s/%s", run.Name, r.Strategy, r.Made, folder) // Made depends on the seed, too
	var found struct {
		Runs []*mlflowRun `json:"runs"`
	}
	err = m.call(ctx, http.MethodPost, "runs/search", map[string]any{"experiment_ids": []string{experiment},
		"filter": "tags.`tlkit.id` = '" + strings.ReplaceAll(id, "'", "\\'") + "'", "max_results": 1}, &found)
	if err != nil {
		return nil, err
	}
	if len(found.Runs) > 0 {
		if found.Runs[0].of(r.History) {
			return found.Runs[0], nil
		}
		if err := m.leave(ctx, found.Runs[0], id); err != nil {
			return nil, err
		}
	}
	var made struct {
		Run *mlflowRun `json:"run"`
	}
	err = m.call(ctx, http.MethodPost, "runs/create", map[string]any{"experiment_id": experiment, "start_time": time.Now().UnixMilli(),
		"run_name": run.Name + "/" + label(run, r), "tags": []keyValue{{"tlkit.id", id}, {"tlkit.run", run.Name}, {"tlkit.strategy", r.Strategy}, {"tlkit.data", run.Config.Data.Fingerprint}}}, &made)
	if err != nil {
		return nil, err
	}
	if made.Run == nil {
		return nil, errors.New("the server made a run without an id; is it MLflow's REST API 2.0?")
	}
	return made.Run, nil
}

// last returns the newest epoch that the server has, and its seconds; 0 without any.
func (there *mlflowRun) last() (epoch int, seconds float64) {
	for _, v := range there.Data.Metrics {
		if v.Key == "seconds" {
			epoch, seconds = v.Step, v.Value
		}
	}
	return epoch, seconds
}

// of reports whether the epochs on the server are the first ones of a history: seconds tell one training from another.
func (there *mlflowRun) of(history []train.Epoch) bool {
	epoch, seconds := there.last()
	return epoch == 0 || epoch <= len(history) && history[epoch-1].Seconds == seconds
}

// leave gives up a run whose last epochs were lost, since a killed training went on from an earlier checkpoint. The
// epochs trained instead are another run. A run that has ended stays as it is.
func (m *mlflow) leave(ctx context.Context, there *mlflowRun, id string) error {
	for _, tag := range []keyValue{{"tlkit.id", id + "/" + there.Info.RunID}, {"tlkit.lost", "the training went on from an earlier epoch, in another run"}} {
		if err := m.call(ctx, http.MethodPost, "runs/set-tag", map[string]any{"run_id": there.Info.RunID, "key": tag.Key, "value": tag.Value}, nil); err != nil {
			return err
		}
	}
	if there.Info.Status != "RUNNING" {
		return nil
	}
	return m.call(ctx, http.MethodPost, "runs/update", map[string]any{"run_id": there.Info.RunID, "status": "KILLED", "end_time": time.Now().UnixMilli()}, nil)
}

// params lists the recipe's fields, and what was trained.
func params(run *train.Run, r *train.Result) []keyValue {
	c := run.Config
	list := []keyValue{{"strategy", r.Strategy}, {"model", c.Model.Name}, {"weights", c.Model.Weights}, {"data", c.Data.Name}, {"classes", strconv.Itoa(len(c.Data.Classes))},
		{"seed", strconv.FormatUint(r.Seed, 10)}, {"base_learning_rate", strconv.FormatFloat(r.LearningRate, 'g', -1, 64)}, {"trainable", strconv.Itoa(r.Trainable)}}
	var recipe map[string]json.RawMessage
	if text, err := json.Marshal(c.Recipe); err == nil {
		json.Unmarshal(text, &recipe)
	}
	for _, name := range slices.Sorted(maps.Keys(recipe)) {
		if name == "seed" || name == "seeds" {
			continue
		}
		text := strings.Trim(string(recipe[name]), `"`)
		list = append(list, keyValue{"recipe." + name, text[:min(len(text), 500)]}) // the server's limit was 500 once
	}
	return list
}

// log sends the epochs that the server does not have.
func (m *mlflow) log(ctx context.Context, there *mlflowRun, r *train.Result) error {
	have, _ := there.last()
	missing := r.History[min(have, len(r.History)):]
	at := time.Now()
	for _, e := range missing {
		at = at.Add(-time.Duration(e.Seconds * float64(time.Second)))
	}
	for _, e := range missing {
		at = at.Add(time.Duration(e.Seconds * float64(time.Second)))
		var metrics []metric
		for _, f := range figures(e, slices.Sorted(maps.Keys(e.Also))) {
			metrics = append(metrics, metric{Key: f.name, Value: f.value, Timestamp: at.UnixMilli(), Step: e.Epoch})
		}
		if err := m.call(ctx, http.MethodPost, "runs/log-batch", map[string]any{"run_id": there.Info.RunID, "metrics": metrics}, nil); err != nil {
			return err
		}
	}
	return nil
}

// mlflowError is an error as the server describes it.
type mlflowError struct {
	Code    string `json:"error_code"`
	Message string `json:"message"`
	status  string
}

func (e *mlflowError) Error() string {
	return fmt.Sprintf("the server refuses with %s: %s %.300s", e.status, e.Code, e.Message)
}

// maxReply bounds a reply of the server.
const maxReply = 8 << 20

// call sends a request and decodes the reply into out, if that is not nil.
func (m *mlflow) call(ctx context.Context, method, path string, body, out any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, method, m.options.URI+"/api/2.0/mlflow/"+path, text)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token := os.Getenv("MLFLOW_TRACKING_TOKEN"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	} else if user := os.Getenv("MLFLOW_TRACKING_USERNAME"); user != "" {
		req.SetBasicAuth(user, os.Getenv("MLFLOW_TRACKING_PASSWORD"))
	}
	resp, err := m.client.Do(req)
	if err != nil {
		var address *url.Error // its text has the address, with secrets that are in it
		if errors.As(err, &address) {
			err = address.Err
		}
		return fmt.Errorf("the server can't be reached: %w", err)
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return fmt.Errorf("the server's reply breaks off: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		refused := &mlflowError{status: resp.Status}
		if json.Unmarshal(reply, refused) != nil || refused.Code == "" {
			refused.Message = string(bytes.TrimSpace(reply))
		}
		return refused
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(reply, out); err != nil {
		return fmt.Errorf("the server's reply is not MLflow's: %w", err)
	}
	return nil
}
