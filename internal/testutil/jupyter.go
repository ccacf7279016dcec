package testutil

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// StartJupyter starts a Jupyter server that cmd describes, such as "jupyter lab --no-browser --port=0", and returns its
// address, which ends in a slash, and its token. Settings of cmd.Env stay; its JUPYTER_RUNTIME_DIR becomes a folder of
// the test's own. The server ends with the test; a test that fails logs what it wrote.
func StartJupyter(t testing.TB, cmd *exec.Cmd) (url, token string) {
	t.Helper()
	runtime := t.TempDir()
	cmd.Env = append(cmd.Environ(), "JUPYTER_RUNTIME_DIR="+runtime)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var failure error // of the process, once ended is closed
	go func() {
		failure = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("Jupyter:\n%s", &log)
		}
	})
	look, late := time.NewTicker(50*time.Millisecond), time.After(3*time.Minute)
	defer look.Stop()
	for {
		if url, token := jupyterServer(runtime); url != "" {
			return url, token
		}
		select {
		case <-look.C:
		case <-ended:
			t.Fatalf("Jupyter ended before it served: %v", failure)
		case <-late:
			t.Fatal("Jupyter did not start within three minutes")
		}
	}
}

// jupyterServer reads the file in which a Jupyter server names its address.
func jupyterServer(runtime string) (url, token string) {
	files, _ := infolder.Glob(runtime, "jpserver-*.json")
	for _, file := range files {
		var server struct{ URL, Token string }
		if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, &server) == nil && server.URL != "" {
			return server.URL, server.Token
		}
	}
	return "", ""
}
