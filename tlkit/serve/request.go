package serve

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
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

// read returns the image files of a request, of which it may have most. Their memory is taken from the share.
func (h *Handler) read(w http.ResponseWriter, r *http.Request, most int, held *share) ([]upload, error) {
	uploads, err := h.readBody(w, r, most, held)
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body) // what follows the end of a form
	}
	if err != nil {
		// Otherwise net/http awaits more of the body before it sends the answer.
		w.Header().Set("Connection", "close")
		return nil, h.readError(err)
	}
	// All has arrived, and the deadline would end the request's context.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return uploads, nil
}

// readError names the limit that the body of a request has met, and what to do.
func (h *Handler) readError(err error) error {
	var tooLarge *http.MaxBytesError
	var known *requestError
	switch {
	case errors.As(err, &known), errors.Is(err, errMemory):
		return err
	case errors.As(err, &tooLarge):
		return &requestError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has more than %d bytes; send a smaller image, or fewer in one request", tooLarge.Limit)}
	case isTimeout(err):
		return &requestError{http.StatusRequestTimeout, fmt.Sprintf("the request has not arrived in %v; send it again, or a smaller one", h.opts.ReadTimeout)}
	case err == io.ErrUnexpectedEOF: // the connection's own; that of an image file is wrapped
		return badRequest("the request is shorter than it announces; send it again")
	}
	return badRequest("the request can't be read: %v", err) // such as a chunk without a size
}

// isTimeout reports whether reading a request took too long.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

func (h *Handler) readBody(w http.ResponseWriter, r *http.Request, most int, held *share) ([]upload, error) {
	// A client that waits for leave (100-continue) hears of it before it sends; others may read no answer before they
	// have sent all.
	if r.ContentLength > h.opts.MaxBody && r.Header.Get("Expect") != "" {
		return nil, &http.MaxBytesError{Limit: h.opts.MaxBody}
	}
	r.Body = http.MaxBytesReader(w, r.Body, h.opts.MaxBody)
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		w.Header().Set("Accept-Encoding", "identity")
		return nil, &requestError{http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Encoding is %.40q; expected none: an image file is compressed already, so send it as it is", coding)}
	}
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
		return readForm(form, most, held)
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

// readForm returns the files of a form, of which it may have most.
func readForm(form *multipart.Reader, most int, held *share) ([]upload, error) {
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
		case len(uploads) == most && most == 1:
			return nil, &requestError{http.StatusRequestEntityTooLarge, "the form has several images; send one"}
		case len(uploads) == most:
			return nil, &requestError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the form has more than %d images; send them in several requests", most)}
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
