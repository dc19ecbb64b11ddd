package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// request is what the log and the mails know of a request.
type request struct{ id, method, path string }

type requestKey struct{}

func requestOf(ctx context.Context) request {
	r, _ := ctx.Value(requestKey{}).(request)
	return r
}

// RequestID returns the id of the request that a context belongs to, "" for
// none. It is the X-Request-Id that a proxy sent, where that is a sound one,
// and is sent back with the answer.
func RequestID(ctx context.Context) string { return requestOf(ctx).id }

const maxID = 128 // bytes of an id

// idOf takes the id of a request or makes one.
func idOf(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	odd := strings.ContainsFunc(id, func(c rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+/=@", c)
	})
	if id == "" || len(id) > maxID || odd { // it goes into logs and headers
		return strings.ToLower(rand.Text())
	}
	return id
}

// frame is around the application's handler: ids, the status route, panics,
// the log of requests, metrics, and the end of connections while draining.
func (a *App) frame(next http.Handler) http.Handler {
	status := a.statusRoute(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		about := request{idOf(r), r.Method, r.URL.Path}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, about))
		w.Header().Set("X-Request-Id", about.id)
		out := &answer{ResponseWriter: w, stopping: a.stopping}
		begin := time.Now()
		a.metrics.begin()
		defer func() {
			p := recover()
			cut := a.conclude(r, out, p)
			a.metrics.end(out.code, time.Since(begin))
			if !a.isStatus(about.path) {
				a.Log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("method", about.method), slog.String("path", about.path),
					slog.Int("status", out.code), slog.Int64("bytes", out.bytes), slog.Duration("took", time.Since(begin)))
			}
			if cut {
				panic(http.ErrAbortHandler) // the client must not take half an answer for a whole one
			}
		}()
		status.ServeHTTP(out, r)
	})
}

// conclude ends an answer after its handler, which may have panicked. It tells
// whether the connection is to be cut.
func (a *App) conclude(r *http.Request, out *answer, p any) (cut bool) {
	err, _ := p.(error)
	switch {
	case p == nil && out.code == 0 && !out.hijacked:
		out.WriteHeader(http.StatusOK)
	case p == nil:
	case errors.Is(err, http.ErrAbortHandler): // on purpose
		return true
	default:
		a.metrics.panics.Add(1)
		_ = a.panicked(r.Context(), p, r)
		if out.code != 0 || out.hijacked {
			return true
		}
		for name := range out.Header() { // what the handler meant to send with another answer
			if name != "X-Request-Id" {
				out.Header().Del(name)
			}
		}
		http.Error(out, "Internal Server Error", http.StatusInternalServerError)
	}
	return false
}

// answer notes what is answered, and closes connections while draining.
type answer struct {
	http.ResponseWriter
	stopping <-chan struct{}
	code     int // 0 until the header is written
	bytes    int64
	hijacked bool
}

// WriteHeader is part of http.ResponseWriter.
func (w *answer) WriteHeader(code int) {
	if code >= 100 && code < 200 && code != http.StatusSwitchingProtocols { // the answer is yet to come
		w.ResponseWriter.WriteHeader(code)
		return
	}
	if w.code == 0 {
		w.code = code
		select {
		case <-w.stopping:
			w.Header().Set("Connection", "close")
		default:
		}
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write is part of http.ResponseWriter.
func (w *answer) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom is part of io.ReaderFrom, by which files are sent without a copy.
func (w *answer) ReadFrom(r io.Reader) (int64, error) {
	if w.code == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := io.Copy(w.ResponseWriter, r)
	w.bytes += n
	return n, err
}

// Flush is part of http.Flusher.
func (w *answer) Flush() {
	if w.code == 0 {
		w.WriteHeader(http.StatusOK)
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush() // no error is in its signature
}

// Hijack is part of http.Hijacker.
func (w *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.hijacked = true
	}
	return conn, buffered, err
}

// Unwrap gives http.ResponseController the rest.
func (w *answer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
