package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/hashicorp/go-cleanhttp"
	"github.com/hashicorp/go-retryablehttp"
)

// Patience sets how long a download waits for a server.
type Patience struct {
	// Attempts is the number of attempts at the whole request; each one resumes the last.
	Attempts int
	// MinWait and MaxWait bound the pauses between attempts.
	MinWait, MaxWait time.Duration
	// Stall is the longest silence of a server, before and within the content.
	Stall time.Duration
}

type patienceKey struct{}

// WithPatience returns a context whose downloads wait according to p, in place of five attempts and a minute of
// silence.
func WithPatience(ctx context.Context, p Patience) context.Context {
	return context.WithValue(ctx, patienceKey{}, p)
}

func patience(ctx context.Context) Patience {
	if p, ok := ctx.Value(patienceKey{}).(Patience); ok {
		return p
	}
	return Patience{Attempts: 5, MinWait: time.Second, MaxWait: 30 * time.Second, Stall: time.Minute}
}

// client returns a client that retries and takes proxies from the environment.
func (p Patience) client() (*retryablehttp.Client, *http.Transport) {
	t := cleanhttp.DefaultPooledTransport() // proxies from the environment, dial and TLS timeouts
	t.ResponseHeaderTimeout = p.Stall
	c := retryablehttp.NewClient()
	c.Logger = nil
	c.RetryMax = p.Attempts - 1
	c.RetryWaitMin, c.RetryWaitMax = p.MinWait, p.MaxWait
	c.Backoff = func(low, high time.Duration, attempt int, resp *http.Response) time.Duration {
		// The default obeys Retry-After without a bound.
		return min(high, retryablehttp.DefaultBackoff(low, high, attempt, resp))
	}
	c.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		if noNetwork(err) {
			return false, nil
		}
		return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
	}
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler
	c.HTTPClient = &http.Client{Transport: t, CheckRedirect: checkRedirect}
	return c, t
}

// noNetwork reports whether err means that the server's name can't be looked up, or that there is no route to it.
func noNetwork(err error) bool {
	var lookup *net.DNSError
	return errors.As(err, &lookup) || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH)
}

// checkRedirect ends long chains, stays with https, and keeps secrets from other hosts.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("redirected from https to %s, refused", Shown(req.URL.String()))
	}
	if req.URL.Host != via[0].URL.Host { // net/http would send it to subdomains
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
	}
	return nil
}
