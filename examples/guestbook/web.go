package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
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

// Site answers requests. It keeps nothing between them.
type Site struct {
	Title    string
	Tokens   []string // open what is not for guests
	Sessions Sessions
	Entries  Entries
	Log      *slog.Logger
	Report   func(ctx context.Context, err error) // takes each error
}

// page is what page.html shows.
type page struct {
	Title, Name string
	Entries     []Entry
}

// Handler returns all routes.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.try(s.index))
	mux.HandleFunc("POST /name", s.try(s.name))
	mux.HandleFunc("POST /entries", s.try(s.sign))
	mux.HandleFunc("/slow", s.private(slow))
	mux.HandleFunc("/fault", s.private(fault))
	return guard(http.NewCrossOriginProtection().Handler(mux))
}

func (s *Site) index(w http.ResponseWriter, r *http.Request) error {
	entries, err := s.Entries.Latest(r.Context(), shown)
	if err != nil {
		return err
	}
	s.Log.DebugContext(r.Context(), "entries read", "count", len(entries))
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, page{s.Title, s.Sessions.Name(r), entries}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = body.WriteTo(w) // fails only where the client is gone
	return nil
}

// name remembers who the guest is.
func (s *Site) name(w http.ResponseWriter, r *http.Request) error {
	s.Sessions.SetName(w, r, clip(r.PostFormValue("name"), 80))
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// sign adds an entry to the book.
func (s *Site) sign(w http.ResponseWriter, r *http.Request) error {
	e := Entry{Name: s.Sessions.Name(r), Message: clip(r.PostFormValue("message"), 1000), Written: time.Now()}
	if e.Message == "" {
		http.Error(w, "The message is empty.", http.StatusUnprocessableEntity)
		return nil
	}
	if e.Name == "" {
		e.Name = "Anonymous"
	}
	if err := s.Entries.Add(r.Context(), e); err != nil {
		return err
	}
	s.Log.DebugContext(r.Context(), "entry added", "length", len(e.Message))
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

// private answers as if the path did not exist, but to who has a token.
func (s *Site) private(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		got, opens := sha256.Sum256([]byte(r.Header.Get("Authorization"))), 0
		for _, token := range s.Tokens {
			want := sha256.Sum256([]byte("Bearer " + token))
			opens |= subtle.ConstantTimeCompare(want[:], got[:])
		}
		if opens != 1 {
			http.NotFound(w, r)
			return
		}
		next(w, r)
	}
}

// try answers what returned an error. The guest learns nothing of it.
func (s *Site) try(next func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := next(w, r); err != nil {
			s.Report(r.Context(), fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err))
			http.Error(w, "Something went wrong. We have been told.", http.StatusInternalServerError)
		}
	}
}

// guard bounds a request, and tells browsers what the page may do.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		next.ServeHTTP(w, r)
	})
}
