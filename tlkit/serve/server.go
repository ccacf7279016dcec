package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// Server runs a [Handler] with the limits of a public server. The zero value of each field is a good default.
type Server struct {
	// Handler answers the requests.
	Handler *Handler
	// Addr is the address to listen at, "host:port"; "": ":8080". Port 0 takes a free one; see Started.
	Addr string
	// Connections is the largest number of connections at one time; more wait in the system's queue. 0: 2048.
	Connections int
	// Drain is the time between the end of readiness and the end of listening, in which a load balancer notices it. 0:
	// none.
	Drain time.Duration
	// Grace is the time in which requests under way may end; 0: 20 s. Those that have not arrived by then are cut off.
	Grace time.Duration
	// Started, if set, is called with the address once the server listens.
	Started func(address net.Addr)
}

// ListenAndServe runs a [Server] with default limits until ctx ends: cancel it on SIGTERM with [signal.NotifyContext].
func ListenAndServe(ctx context.Context, addr string, h *Handler) error {
	return (&Server{Handler: h, Addr: addr}).Run(ctx)
}

// Run serves until ctx ends, then waits for the requests under way. It returns nil after such an end, and an error if
// it can't listen, or if requests that had arrived were still being answered after the grace period.
func (s *Server) Run(ctx context.Context) error {
	err := checkLimits("Server", limit{"Connections", int64(s.Connections)}, limit{"Drain", int64(s.Drain)},
		limit{"Grace", int64(s.Grace)})
	if err != nil {
		return err
	}
	log := s.Handler.opts.Log
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cmp.Or(s.Addr, ":8080"))
	if err != nil {
		return fmt.Errorf("serve: %w; choose another address", err)
	}
	server := &http.Server{
		Handler: s.Handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ReadTimeout: s.Handler.opts.ReadTimeout, // for what net/http answers by itself, such as OPTIONS *
		// A client that does not read its answer is cut off.
		WriteTimeout: s.Handler.opts.ReadTimeout + s.Handler.opts.Timeout + 10*time.Second,
		ErrorLog:     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	ended, queue := make(chan error, 1), newBacklog(listener)
	go func() { ended <- server.Serve(netutil.LimitListener(queue, cmp.Or(s.Connections, 2048))) }()
	log.Info("listening", slog.String("address", listener.Addr().String()), slog.String("model", s.Handler.opts.Name))
	if s.Started != nil {
		s.Started(listener.Addr())
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	return s.shutDown(server, queue, ended, log)
}

// shutDown ends a server gracefully.
func (s *Server) shutDown(server *http.Server, queue *backlog, ended <-chan error, log *slog.Logger) error {
	log.Info("closing")
	s.Handler.Drain()
	if s.Drain > 0 {
		select {
		case <-time.After(s.Drain):
		case err := <-ended:
			return fmt.Errorf("serve: %w", err)
		}
	}
	queue.empty(time.Second)
	ctx, stop := context.WithTimeout(context.Background(), cmp.Or(s.Grace, 20*time.Second))
	defer stop()
	if err := server.Shutdown(ctx); err != nil {
		answering := s.Handler.answering.Load()
		closed := server.Close()
		switch {
		case !errors.Is(err, context.DeadlineExceeded):
			return errors.Join(fmt.Errorf("serve: closing: %w", err), closed)
		case answering > 0:
			return errors.Join(fmt.Errorf("serve: %d requests were still being answered at the end of the grace period: %w", answering, err), closed)
		case closed != nil:
			return fmt.Errorf("serve: closing: %w", closed)
		}
		log.Warn("cut off requests that had not arrived in the grace period") // a slow client is no fault of ours
	}
	log.Info("closed")
	return nil
}
