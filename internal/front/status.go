package front

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front/health"
)

// own serves the front's routes, and reports whether the request was for one.
// A route that no token opens is left to the application, which may have its own.
func (f *Front) own(w http.ResponseWriter, r *http.Request) bool {
	routes, path := &f.options.Status, r.URL.Path
	opens := len(routes.Tokens) > 0
	switch {
	case opens && path == routes.Path:
		f.guarded(w, r, f.serveStatus)
	case opens && path == routes.Metrics:
		f.guarded(w, r, f.serveMetrics)
	case path == routes.Live:
		plain(w, r, http.StatusOK, "live\n")
	case path == routes.Ready:
		f.serveReady(w, r)
	default:
		return f.redirect(w, r)
	}
	return true
}

func plain(w http.ResponseWriter, r *http.Request, status int, text string) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(text)) // nobody to tell when the client is gone
	}
}

// Ready reports whether a request would find a worker now.
func (f *Front) Ready() bool {
	if f.closing.Load() {
		return false
	}
	for _, s := range f.pool.Snapshot() {
		if !s.Draining && !s.Suspect {
			return true
		}
	}
	return false
}

func (f *Front) serveReady(w http.ResponseWriter, r *http.Request) {
	if f.Ready() {
		plain(w, r, http.StatusOK, "ready\n")
		return
	}
	plain(w, r, http.StatusServiceUnavailable, "not ready\n")
}

// guarded serves only those with a token. To all others the route is a path
// that is not there.
func (f *Front) guarded(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	if !f.guard.admits(tokenOf(r)) || !read {
		plain(w, r, http.StatusNotFound, "404 page not found\n")
		return
	}
	serve(w, r)
}

// tokenOf returns the token in the header; never one in the query, which ends
// up in logs.
func tokenOf(r *http.Request) string {
	if token := r.Header.Get("X-Status-Token"); token != "" {
		return token
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(token)
	}
	return ""
}

func (f *Front) serveMetrics(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodHead {
		_ = f.WriteMetrics(w) // nobody to tell when the client is gone
	}
}

// Health returns what the status route shows: the cached dependency checks and
// the workers. It asks nothing of a dependency.
func (f *Front) Health() health.Report {
	var report health.Report
	if f.options.Health != nil {
		report = f.options.Health()
	}
	serving, draining := 0, 0
	for _, s := range f.pool.Snapshot() {
		switch {
		case s.Draining:
			draining++
		case !s.Suspect:
			serving++
		}
	}
	status := health.Pass
	if serving == 0 {
		status = health.Fail
	}
	now := f.options.Now()
	report.Add("workers:serving", health.Result{ComponentType: "system", Status: status, Value: serving, Unit: "workers", Time: now})
	report.Add("workers:draining", health.Result{ComponentType: "system", Status: health.Pass, Value: draining, Unit: "workers", Time: now})
	report.Add("queue:length", health.Result{ComponentType: "system", Status: health.Pass, Value: f.pool.Waiting(), Unit: "requests", Time: now})
	return report
}

// statusAge is how long a status is given again: whoever polls a thousand times
// a second costs no more than who polls ten times.
const statusAge = 100 * time.Millisecond

// sentStatus is a status as it was sent.
type sentStatus struct {
	at   time.Time
	code int
	body []byte
}

func (f *Front) status() *sentStatus {
	now := f.options.Now()
	if last := f.lastStatus.Load(); last != nil && now.Sub(last.at) < statusAge && !now.Before(last.at) {
		return last
	}
	report := f.Health()
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	next := &sentStatus{at: now, code: http.StatusOK}
	if err := encoder.Encode(report); err != nil || report.Status == health.Fail {
		next.code = http.StatusServiceUnavailable
	}
	next.body = body.Bytes()
	f.lastStatus.Store(next)
	return next
}

func (f *Front) serveStatus(w http.ResponseWriter, r *http.Request) {
	status := f.status()
	w.Header().Set("Content-Type", "application/health+json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(status.body)))
	w.WriteHeader(status.code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(status.body) // nobody to tell when the client is gone
	}
}

// guard knows the tokens. It counts nobody's guesses: a token has 128 bit, and
// whoever shares an address with someone who guesses must not be locked out.
type guard struct {
	tokens [][sha256.Size]byte
}

func newGuard(tokens []string) *guard {
	g := &guard{}
	for _, token := range tokens {
		g.tokens = append(g.tokens, sha256.Sum256([]byte(token)))
	}
	return g
}

// admits compares the token with all that are valid, in constant time.
func (g *guard) admits(token string) bool {
	given, match := sha256.Sum256([]byte(token)), 0
	for i := range g.tokens {
		match |= subtle.ConstantTimeCompare(given[:], g.tokens[i][:])
	}
	return match == 1
}
