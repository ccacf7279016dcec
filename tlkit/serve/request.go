package serve

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"
)

// upload is an image file of a request.
type upload struct {
	name string
	data []byte
}

// requestError is a fault of a request, with the status code that says so.
type requestError struct {
	status int
	text   string
}

func (e *requestError) Error() string { return e.text }

func badRequest(format string, args ...any) error {
	return &requestError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// maxFields is the number of parts without a file that a form may have.
const maxFields = 8

// read returns the image files of a request. Their memory is taken from the share.
func (h *Handler) read(w http.ResponseWriter, r *http.Request, held *share) ([]upload, error) {
	control := http.NewResponseController(w)
	// Without a connection, as in a test, there is nothing to set.
	_ = control.SetReadDeadline(time.Now().Add(h.opts.ReadTimeout))
	uploads, err := h.readBody(w, r, held)
	if err == nil {
		// The deadline would end the request's context. After an error it stays: net/http reads the rest of the body
		// before it answers.
		_ = control.SetReadDeadline(time.Time{})
	}
	return uploads, err
}

func (h *Handler) readBody(w http.ResponseWriter, r *http.Request, held *share) ([]upload, error) {
	r.Body = http.MaxBytesReader(w, r.Body, h.opts.MaxBody)
	kind := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(kind)
	switch {
	case kind != "" && err != nil:
		return nil, badRequest("the header Content-Type is %.80q: %v", kind, err)
	case media == "multipart/form-data":
		form, err := r.MultipartReader()
		if err != nil {
			return nil, badRequest("the form can't be read: %v", err)
		}
		return h.readForm(form, held)
	case kind == "", strings.HasPrefix(media, "image/"), media == "application/octet-stream":
		data, err := held.readAll(r.Body)
		if err != nil {
			return nil, err
		}
		return []upload{{data: data}}, nil
	}
	return nil, &requestError{http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Type is %.80q; expected image/..., application/octet-stream with one image file, "+
		"or multipart/form-data with several (curl -F image=@bee.jpg, or curl -H 'Content-Type: image/jpeg' --data-binary @bee.jpg)", media)}
}

// readForm returns the files of a form.
func (h *Handler) readForm(form *multipart.Reader, held *share) ([]upload, error) {
	var uploads []upload
	for fields := 0; ; {
		part, err := form.NextPart()
		switch {
		case errors.Is(err, io.EOF) && len(uploads) == 0:
			return nil, badRequest("the form has no image; expected one part with a file for each image")
		case errors.Is(err, io.EOF):
			return uploads, nil
		case err != nil:
			return nil, formError(err)
		case part.FileName() == "":
			if fields++; fields > maxFields {
				return nil, badRequest("the form has more than %d fields without a file name; expected one part with a file for each image", maxFields)
			}
			continue
		case len(uploads) == h.opts.MaxImages:
			return nil, &requestError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the form has more than %d images; send them in several requests", h.opts.MaxImages)}
		}
		data, err := held.readAll(part)
		if err != nil {
			return nil, formError(err)
		}
		uploads = append(uploads, upload{part.FileName(), data})
	}
}

// formError marks a form that is cut short or broken as the client's fault.
func formError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, errMemory) || isTimeout(err) {
		return err
	}
	return badRequest("the form can't be read: %v", err)
}
