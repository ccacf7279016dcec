package build

import (
	"runtime"
	"slices"
	"testing"
)

func TestCleanEnv(t *testing.T) {
	have := []string{"HOME=/h", "GOROOT=/none", "GOOS=js", "GOARCH=wasm", "GOAMD64=v4", "GOFLAGS=-mod=vendor", "GOTMPDIR=/none", "GO111MODULE=off", "CGO_CFLAGS=-O1", "CGO_LDFLAGS=-L/none", "GOPROXY=off", "GOPATH=rel/path"}
	got := CleanEnv(have, "/tmp/k")
	for _, kv := range []string{"HOME=/h", "GOPROXY=off", "GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH, "GOAMD64=v1", "GOTMPDIR=/tmp/k", "GO111MODULE=on", "CGO_CFLAGS=-O2 -g"} {
		if !slices.Contains(got, kv) {
			t.Errorf("lacks %q: %q", kv, got)
		}
	}
	for _, kv := range append(have[1:10:10], "GOPATH=rel/path") {
		if slices.Contains(got, kv) {
			t.Errorf("%q is still there", kv)
		}
	}
	if names, want := ForeignSettings(have), []string{"CGO_CFLAGS", "CGO_LDFLAGS", "GO111MODULE", "GOAMD64", "GOARCH", "GOFLAGS", "GOOS", "GOPATH", "GOROOT", "GOTMPDIR"}; !slices.Equal(names, want) {
		t.Errorf("foreign settings %q, want %q", names, want)
	}
	if got, want := CommandEnv(CleanEnv(have, "/tmp/k")), []string{"HOME=/h", "GOPROXY=off"}; !slices.Equal(got, want) {
		t.Errorf("commands have %q, want %q", got, want)
	}
	if got := CommandEnv([]string{"GOPATH=/a:/b", "GOPATH="}); len(got) != 2 {
		t.Errorf("an absolute or empty GOPATH does not stay: %q", got)
	}
}
