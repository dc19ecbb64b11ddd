package app

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/mail"
)

// statusReport is the answer of the status route.
type statusReport struct {
	Status      string                 `json:"status"` // ok, fail, starting, stopping
	Application string                 `json:"application"`
	Environment string                 `json:"environment,omitempty"`
	Release     string                 `json:"release,omitempty"`
	Host        string                 `json:"host,omitempty"`
	Worker      string                 `json:"worker,omitempty"`
	Uptime      float64                `json:"uptime_seconds"`
	Checks      map[string]checkReport `json:"checks"`
	Mail        *mail.Stats            `json:"mail,omitempty"`
	Syslog      *syslogStats           `json:"syslog,omitempty"`
}

func (a *App) isStatus(path string) bool {
	below, found := strings.CutPrefix(path, a.StatusPath)
	return found && (below == "" || below[0] == '/')
}

// statusRoute answers below the status path, so that no route of the
// application can stand before it:
//
//	/status          all that is known, for who holds a token
//	/status/metrics  numbers, for who holds a token
//	/status/live     200 while the process can answer
//	/status/ready    200 while the application can serve
//
// Whoever has no token gets the answer of a page that does not exist.
func (a *App) statusRoute(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.isStatus(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		switch below := strings.TrimPrefix(r.URL.Path, a.StatusPath); {
		case below == "/live":
			plain(w, http.StatusOK, "live\n")
		case below == "/ready":
			state, _ := a.checks.report(time.Now())
			plain(w, codeOf(state), state+"\n")
		case below == "" && a.admitted(r):
			a.writeStatus(w, r)
		case below == "/metrics" && a.admitted(r):
			w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			a.metrics.write(w, a)
		default:
			http.NotFound(w, r)
		}
	})
}

// codeOf is 503 wherever no requests should be sent.
func codeOf(state string) int {
	if state == "ok" {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // the client may be gone
}

// admitted compares the token with each that is valid, in a time that tells
// nothing. It is taken from headers alone, since addresses end up in logs.
func (a *App) admitted(r *http.Request) bool {
	given := r.Header.Get("X-Status-Token")
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		given = strings.TrimSpace(token)
	}
	sum, admitted := sha256.Sum256([]byte(given)), 0
	for _, token := range a.StatusToken {
		valid := sha256.Sum256([]byte(token))
		admitted |= subtle.ConstantTimeCompare(sum[:], valid[:])
	}
	return admitted == 1
}

func (a *App) writeStatus(w http.ResponseWriter, r *http.Request) {
	report := statusReport{
		Application: a.name, Environment: a.Environment, Release: a.Release, Host: a.host, Worker: a.worker, Uptime: time.Since(a.begun).Seconds(),
	}
	report.Status, report.Checks = a.checks.report(time.Now())
	if a.errors != nil {
		stats := a.errors.Stats()
		report.Mail = &stats
	}
	if a.syslog != nil {
		stats := a.syslog.stats()
		report.Syslog = &stats
	}
	if strings.HasPrefix(r.Header.Get("Accept"), "text/plain") {
		plain(w, codeOf(report.Status), report.text())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(codeOf(report.Status))
	_ = json.NewEncoder(w).Encode(report) // the client may be gone
}

// text is the report for a person.
func (s statusReport) text() string {
	var b strings.Builder
	columns := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	fmt.Fprintf(columns, "%s\t%s\n", s.Application, s.Status)
	for _, name := range slices.Sorted(maps.Keys(s.Checks)) {
		c := s.Checks[name]
		fmt.Fprintf(columns, "  %s\t%s\t%s\n", name, c.Status, c.Error)
	}
	if s.Mail != nil {
		fmt.Fprintf(columns, "  error mail\t%d sent, %d errors pending\t%s\n", s.Mail.Sent, s.Mail.Pending, s.Mail.LastError)
	}
	_ = columns.Flush()
	return b.String()
}
