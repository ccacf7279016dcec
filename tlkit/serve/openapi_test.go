package serve

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// described is a service's own description of its interface, read by a program that is not ours.
type described struct{ routes routers.Router }

// describedBy reads and validates the description that a handler serves.
func describedBy(t *testing.T, h *Handler) described {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Errorf("openapi.json is not valid: %v", err)
	}
	routes, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return described{routes}
}

// check reports an answer whose status, type or body is not as described. Of requests that no route has, nothing is
// described.
func (d described) check(t *testing.T, name string, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	asked := &http.Request{Method: r.Method, URL: &url.URL{Path: r.URL.Path}}
	route, _, err := d.routes.FindRoute(asked)
	if err != nil {
		return
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: asked, Route: route},
		Status:                 w.Code, Header: w.Header(),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	if err := openapi3filter.ValidateResponse(t.Context(), answer.SetBodyBytes(w.Body.Bytes())); err != nil {
		t.Errorf("%s: the answer is not as openapi.json describes it: %v", name, err)
	}
}
