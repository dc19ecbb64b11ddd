package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// shown is how many entries the page has.
const shown = 20

// Entries is where the entries are kept.
type Entries interface {
	Add(ctx context.Context, e Entry) error
	Latest(ctx context.Context, n int) ([]Entry, error)
}

// App answers requests. It keeps nothing between them.
type App struct {
	Title    string
	Token    string // opens what is not for guests
	Sessions Sessions
	Entries  Entries
	Health   http.Handler
	Log      *slog.Logger
	Report   func(subject, detail string) // takes each error
	Draining atomic.Bool                  // asks clients to close their connections
}

// page is what page.html shows.
type page struct {
	Title, Name string
	Entries     []Entry
}

// Handler returns all routes.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.try(a.index))
	mux.HandleFunc("POST /name", a.try(a.name))
	mux.HandleFunc("POST /entries", a.try(a.sign))
	mux.HandleFunc("/status", a.private(a.Health.ServeHTTP))
	mux.HandleFunc("/slow", a.private(slow))
	mux.HandleFunc("/fault", a.private(fault))
	return a.observe(http.NewCrossOriginProtection().Handler(mux))
}

func (a *App) index(w http.ResponseWriter, r *http.Request) error {
	entries, err := a.Entries.Latest(r.Context(), shown)
	if err != nil {
		return err
	}
	a.Log.Debug("entries read", "count", len(entries))
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, page{a.Title, a.Sessions.Name(r), entries}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = body.WriteTo(w) // fails only where the client is gone
	return nil
}

// name remembers who the guest is.
func (a *App) name(w http.ResponseWriter, r *http.Request) error {
	a.Sessions.SetName(w, r, clip(r.PostFormValue("name"), 80))
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// sign adds an entry to the book.
func (a *App) sign(w http.ResponseWriter, r *http.Request) error {
	e := Entry{Name: a.Sessions.Name(r), Message: clip(r.PostFormValue("message"), 1000), Written: time.Now()}
	if e.Message == "" {
		http.Error(w, "The message is empty.", http.StatusUnprocessableEntity)
		return nil
	}
	if e.Name == "" {
		e.Name = "Anonymous"
	}
	if err := a.Entries.Add(r.Context(), e); err != nil {
		return err
	}
	a.Log.Debug("entry added", "length", len(e.Message))
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// clip returns a text without space around it, cut after n characters.
func clip(text string, n int) string {
	if runes := []rune(strings.TrimSpace(text)); len(runes) > n {
		return string(runes[:n])
	}
	return strings.TrimSpace(text)
}

// slow takes a second, as a request on a bad day.
func slow(w http.ResponseWriter, r *http.Request) {
	time.Sleep(time.Second)
	fmt.Fprintln(w, "That took a second.")
}

// fault shows what happens when something breaks.
func fault(http.ResponseWriter, *http.Request) {
	panic(errors.New("the ink has run out"))
}

// private answers as if the path did not exist, but to who has the token.
func (a *App) private(next http.HandlerFunc) http.HandlerFunc {
	want := sha256.Sum256([]byte("Bearer " + a.Token))
	return func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
			http.NotFound(w, r)
			return
		}
		next(w, r)
	}
}

// try answers what returned an error.
func (a *App) try(next func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := next(w, r); err != nil {
			a.fail(w, r, err)
		}
	}
}

// fail logs and mails an error with the stack of the goroutine, which in a
// deferred call still holds the frames that panicked. The guest learns nothing.
func (a *App) fail(w http.ResponseWriter, r *http.Request, cause any) {
	stack := string(debug.Stack())
	a.Log.Error("request failed", "error", fmt.Sprint(cause), "method", r.Method, "uri", r.RequestURI,
		"request_id", r.Header.Get("X-Request-Id"), "stack", stack)
	a.Report(fmt.Sprintf("%s %s: %v", r.Method, r.URL.Path, cause),
		fmt.Sprintf("%s %s\nrequest %s\n\npanic: %v\n\n%s", r.Method, r.RequestURI, r.Header.Get("X-Request-Id"), cause, stack))
	http.Error(w, "Something went wrong. We have been told.", http.StatusInternalServerError)
}

var requestID = regexp.MustCompile(`^[\w.-]{1,64}$`)

// observe gives each request an id, bounds it, logs it and survives its panics.
func (a *App) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin, status := time.Now(), &statusWriter{w, http.StatusOK}
		if !requestID.MatchString(r.Header.Get("X-Request-Id")) {
			r.Header.Set("X-Request-Id", rand.Text())
		}
		w.Header().Set("X-Request-Id", r.Header.Get("X-Request-Id"))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		if a.Draining.Load() {
			w.Header().Set("Connection", "close")
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		defer func() {
			if cause := recover(); cause != nil {
				a.fail(status, r, cause)
			}
			a.Log.Info("request", "method", r.Method, "uri", r.RequestURI, "status", status.code,
				"ms", time.Since(begin).Milliseconds(), "request_id", r.Header.Get("X-Request-Id"), "agent", r.UserAgent())
		}()
		next.ServeHTTP(status, r)
	})
}

// statusWriter remembers the status of a reply.
type statusWriter struct {
	http.ResponseWriter
	code int
}

func (w *statusWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}
