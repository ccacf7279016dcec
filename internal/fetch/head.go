package fetch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"

	"github.com/hashicorp/go-retryablehttp"
)

// Shown returns an address for messages: without password and query, which may hold secrets.
func Shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(an address that can't be read)"
	}
	if u.User != nil {
		u.User = url.User("...")
	}
	u.RawQuery, u.Fragment = "", ""
	return u.String()
}

// unreachable marks a failure of the network. It leaves out the address in net/http's error, which is the last one of a
// chain of redirects, with its query.
type unreachable struct{ cause error }

func (e unreachable) Error() string { return e.cause.Error() }
func (e unreachable) Unwrap() error { return e.cause }

func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if noNetwork(err) {
		return unreachable{fmt.Errorf("%w (%w)", ErrNoNetwork, err)}
	}
	return unreachable{err}
}

// Unreachable reports whether err means that the server could not be reached: no connection, or 429 or 5xx on the last
// attempt.
func Unreachable(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Code == http.StatusTooManyRequests || status.Code >= 500
	}
	var u unreachable
	return errors.As(err, &u)
}

// Head requests the header of r.URL. It follows redirects within the host. For a redirect to another host it returns
// the header of the redirect itself, since a hub describes the file there. Retries and errors are those of [File].
func Head(ctx context.Context, r Request) (http.Header, error) {
	client, transport := patience(ctx).client()
	defer transport.CloseIdleConnections()
	check := client.HTTPClient.CheckRedirect
	client.HTTPClient.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if req.URL.Host != via[0].URL.Host {
			return http.ErrUseLastResponse
		}
		return check(req, via)
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodHead, r.URL, nil)
	if err != nil {
		return nil, fmt.Errorf("download of %s: %w", Shown(r.URL), withoutURL(err))
	}
	maps.Copy(req.Header, r.Header)
	req.Header.Set("User-Agent", "tlkit")
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("download of %s: %w", Shown(r.URL), withoutURL(err))
	}
	resp.Body.Close()
	if resp.StatusCode >= 400 {
		return nil, &StatusError{URL: r.URL, Code: resp.StatusCode, Status: resp.Status, Header: resp.Header}
	}
	return resp.Header, nil
}
