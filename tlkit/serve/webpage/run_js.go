//go:build js && wasm

package webpage

import (
	"bytes"
	"net/http"
	"syscall/js"
)

// Run lets a handler serve the page's requests, until the page is closed. It runs in a web worker, to which worker.js
// belongs.
func Run(h http.Handler) {
	js.Global().Set("tlkit_request", js.FuncOf(func(_ js.Value, args []js.Value) any {
		go serve(h, args[0]) // a callback must not wait
		return nil
	}))
	js.Global().Call("postMessage", map[string]any{"ready": true})
	select {}
}

// serve serves one request.
func serve(h http.Handler, m js.Value) {
	body := make([]byte, m.Get("body").Get("length").Int())
	js.CopyBytesToGo(body, m.Get("body"))
	w := &response{header: http.Header{}, status: http.StatusOK}
	r, err := http.NewRequest(m.Get("method").String(), "/"+m.Get("path").String(), bytes.NewReader(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	} else {
		r.Header.Set("Content-Type", m.Get("type").String())
		h.ServeHTTP(w, r)
	}
	js.Global().Call("postMessage", map[string]any{"id": m.Get("id"), "status": w.status, "type": w.header.Get("Content-Type"), "body": w.body.String()})
}

// response keeps what a handler writes.
type response struct {
	header  http.Header
	status  int
	written bool
	body    bytes.Buffer
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	if !w.written {
		w.status, w.written = status, true
	}
}

func (w *response) Write(b []byte) (int, error) {
	w.written = true
	return w.body.Write(b)
}
