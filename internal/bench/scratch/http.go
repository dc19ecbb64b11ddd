package scratch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	httpSocket  = "s"
	maxRequests = 1000     // kept per stub; older ones are forgotten
	maxBody     = 64 << 10 // bytes kept per request

	// controlHeader marks the request of CheckQuery, which is not recorded: the
	// records are those of the application.
	controlHeader = "Roadworthy-Control"
)

// Request is one request that an HTTP stub has received.
type Request struct {
	At     time.Time // when its body had been read
	Method string
	Target string // as on the request line (RFC 9112 section 3.2)
	Header http.Header
	Body   []byte // at most 64 KiB of it
}

// httpServer makes one stub for each Provision.
type httpServer struct {
	dir string

	mu     sync.Mutex
	closed bool
	stubs  map[*Database]struct{}
}

// StartHTTP prepares stubs for another web service. They run in this process,
// and answer 200 with an empty JSON object to everything.
func StartHTTP(_ context.Context, o Options) (Server, error) {
	return &httpServer{dir: o.Dir, stubs: map[*Database]struct{}{}}, nil
}

// Provision implements [Server]: a stub with a socket and records of its own.
// It asks for no credentials.
func (s *httpServer) Provision(ctx context.Context) (*Database, error) {
	folder, err := newSocketFolder(s.dir, "h", httpSocket, nil)
	if err != nil {
		return nil, fmt.Errorf("provision http stub: %w", err)
	}
	d := &Database{Kind: HTTP, server: s, socket: filepath.Join(folder, httpSocket)}
	if d.stub, err = startStub(ctx, d.socket); err != nil {
		return nil, fmt.Errorf("provision http stub: %w", errors.Join(err, os.RemoveAll(folder)))
	}
	d.release = func() error {
		s.mu.Lock()
		delete(s.stubs, d)
		s.mu.Unlock()
		return errors.Join(d.stub.close(), os.RemoveAll(folder))
	}
	s.mu.Lock()
	closed := s.closed
	s.stubs[d] = struct{}{}
	s.mu.Unlock()
	if closed {
		return nil, fmt.Errorf("provision http stub: %w", errors.Join(ErrClosed, d.Close()))
	}
	return d, nil
}

// Snapshot implements [Server]. A stub has no content.
func (s *httpServer) Snapshot(_ context.Context, d *Database) (*Template, error) {
	if err := d.belongs(s); err != nil {
		return nil, fmt.Errorf("snapshot http stub: %w", err)
	}
	return &Template{server: s}, nil
}

// ProvisionFrom implements [Server].
func (s *httpServer) ProvisionFrom(ctx context.Context, t *Template) (*Database, error) {
	if err := t.own(s); err != nil {
		return nil, fmt.Errorf("provision http stub: %w", err)
	}
	return s.Provision(ctx)
}

// Close implements [Server].
func (s *httpServer) Close() error {
	s.mu.Lock()
	s.closed = true
	var open []*Database
	for d := range s.stubs {
		open = append(open, d)
	}
	s.mu.Unlock()
	var errs []error
	for _, d := range open {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// stub is one listening HTTP server.
type stub struct {
	server *http.Server
	serve  chan error     // what Serve returned
	conns  sync.WaitGroup // open connections

	mu       sync.Mutex
	requests []Request
}

func startStub(ctx context.Context, socket string) (*stub, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	s := &stub{serve: make(chan error, 1)}
	s.server = &http.Server{
		Handler: http.HandlerFunc(s.answer), ReadTimeout: 30 * time.Second, IdleTimeout: 5 * time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.conns.Add(1)
			case http.StateClosed, http.StateHijacked:
				s.conns.Done()
			}
		},
	}
	go func() { s.serve <- s.server.Serve(listener) }()
	return s, nil
}

func (s *stub) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // the client went away, or we are closing
	}
	if r.Header.Get(controlHeader) == "" {
		s.record(Request{At: time.Now(), Method: r.Method, Target: r.RequestURI, Header: r.Header.Clone(), Body: body})
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}") // a client that left does not concern a stub
}

func (s *stub) record(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == maxRequests {
		s.requests = slices.Delete(s.requests, 0, 1)
	}
	s.requests = append(s.requests, r)
}

func (s *stub) list() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// close cuts every connection and waits for the goroutines. New connections
// are counted by the goroutine of Serve, so none follow after its end.
func (s *stub) close() error {
	err := s.server.Close()
	if end := <-s.serve; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	s.conns.Wait()
	return err
}
