package front

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front/health"
	"github.com/roadworthy-dev/roadworthy/internal/front/pool"
)

// AccessLog says which requests get a record of their own.
type AccessLog string

// The access logs. Errors with a code are logged in any case.
const (
	AccessOff    AccessLog = "off"
	AccessErrors AccessLog = "errors" // replies of 500 and above
	AccessAll    AccessLog = "all"
)

// DrainPolicy says what happens to a stream when its worker drains.
type DrainPolicy string

// The policies.
const (
	DrainClose  DrainPolicy = "close"  // ended at a message boundary, spread over time
	DrainLinger DrainPolicy = "linger" // left alone for Linger, then as close
	DrainCut    DrainPolicy = "cut"    // cut at once
)

// Route gives streams below a path prefix their policy.
type Route struct {
	Prefix  string               // such as "/ws"; the longest one that fits counts
	Upgrade bool                 // whether websockets are allowed here
	Drain   DrainPolicy          // "" means close
	Linger  func() time.Duration // for DrainLinger
}

// Deadlines holds how long the front waits. Zero values mean the defaults.
type Deadlines struct {
	FirstByte   time.Duration // for a response to begin: 30 s
	Idle        time.Duration // between bytes, either way: 55 s
	Request     time.Duration // until OnSlow is called; 0 means never
	Header      time.Duration // for a request's head: 10 s
	KeepAlive   time.Duration // for the next request on a connection: 75 s
	Continue    time.Duration // for a worker's 100 before the body is sent anyway: 1 s
	BodyGrace   time.Duration // before the minimal rate of bodies counts: 10 s
	Close       time.Duration // for connections to go at shutdown: 5 s
	StreamClose time.Duration // between the end of a stream and its cut: 3 s
}

// Limits bounds what clients may ask for. Zero values mean the defaults.
type Limits struct {
	Header      int   // bytes of a request's head: 64 KiB
	Body        int64 // bytes of a request's body: 100 MiB; below 0 no limit
	BodyRate    int64 // bytes per second a body must come with: 240
	Buffer      int   // a body up to this size is read before a worker is taken: 64 KiB
	Connections int   // at the same time, on all listeners: 20,000
}

// Slow describes a request that is older than Deadlines.Request.
type Slow struct {
	RequestID, Method, Path string
	Since                   time.Time
}

// Options configures a front. The zero value serves with the defaults and
// without status and metrics: without tokens, these paths are the application's.
type Options struct {
	Pool      pool.Options
	Deadlines Deadlines
	Limits    Limits
	Routes    []Route // none means: websockets everywhere, closed on a drain

	Trusted      []netip.Prefix // proxies whose X-Forwarded-* and X-Request-Id are believed
	ACME         *ACME          // answers its challenges; nil means none
	RedirectHTTP bool           // plain listeners answer 308 to https

	Status Status
	Health func() health.Report // dependencies and version; asked often, must not wait; nil means none
	Extra  func(io.Writer)      // further metrics, in Prometheus text form
	OnSlow func(workerID string, request Slow)
	Log    *slog.Logger // nil means silence
	Access AccessLog    // "" means off

	Now    func() time.Time // nil means time.Now
	Random io.Reader        // for request ids; nil means crypto/rand
}

// Status configures our own routes. Zero values mean the defaults.
type Status struct {
	Path    string // "/status"
	Live    string // "/live"
	Ready   string // "/ready"
	Metrics string // "/metrics"
	Tokens  []string
}

// minToken is the least length of a token in bytes: 128 bit.
const minToken = 16

// ErrToken means that a status token is too short to be safe.
var ErrToken = errors.New("a status token has fewer than 16 bytes (128 bit)")

func orDuration(d *time.Duration, otherwise time.Duration) {
	if *d == 0 {
		*d = otherwise
	}
}

func (d Deadlines) withDefaults() Deadlines {
	orDuration(&d.FirstByte, 30*time.Second)
	orDuration(&d.Idle, 55*time.Second)
	orDuration(&d.Header, 10*time.Second)
	orDuration(&d.KeepAlive, 75*time.Second)
	orDuration(&d.Continue, time.Second)
	orDuration(&d.BodyGrace, 10*time.Second)
	orDuration(&d.Close, 5*time.Second)
	orDuration(&d.StreamClose, 3*time.Second)
	return d
}

func (l Limits) withDefaults() Limits {
	if l.Header == 0 {
		l.Header = 64 << 10
	}
	if l.Body == 0 {
		l.Body = 100 << 20
	}
	if l.BodyRate == 0 {
		l.BodyRate = 240
	}
	if l.Buffer == 0 {
		l.Buffer = 64 << 10
	}
	if l.Connections == 0 {
		l.Connections = 20_000
	}
	return l
}

func (s Status) withDefaults() Status {
	for field, otherwise := range map[*string]string{&s.Path: "/status", &s.Live: "/live", &s.Ready: "/ready", &s.Metrics: "/metrics"} {
		if *field == "" {
			*field = otherwise
		}
	}
	return s
}

// check fills in the defaults and refuses what cannot work.
func (o Options) check() (Options, error) {
	o.Deadlines, o.Limits, o.Status = o.Deadlines.withDefaults(), o.Limits.withDefaults(), o.Status.withDefaults()
	for i, token := range o.Status.Tokens {
		if len(token) < minToken {
			return o, fmt.Errorf("status token %d: %w", i+1, ErrToken)
		}
	}
	seen := map[string]bool{}
	for _, path := range []string{o.Status.Path, o.Status.Live, o.Status.Ready, o.Status.Metrics} {
		if !strings.HasPrefix(path, "/") || path == "/" || seen[path] {
			return o, fmt.Errorf("route %q of the front: it must begin with a slash and be its own", path)
		}
		seen[path] = true
	}
	if o.Routes == nil {
		o.Routes = []Route{{Prefix: "/", Upgrade: true}}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Pool.Now == nil {
		o.Pool.Now = o.Now
	}
	if o.Pool.Random == nil {
		o.Pool.Random = below(o.Random)
	}
	return o, nil
}

// below returns a function that draws numbers below n.
func below(random io.Reader) func(n uint64) uint64 {
	return func(n uint64) uint64 {
		var b [8]byte
		if _, err := io.ReadFull(random, b[:]); err != nil || n == 0 {
			return 0
		}
		return binary.LittleEndian.Uint64(b[:]) % n
	}
}

// route returns the policy for a path.
func (f *Front) route(path string) Route {
	best, found := Route{}, false
	for _, r := range f.options.Routes {
		if strings.HasPrefix(path, r.Prefix) && (!found || len(r.Prefix) > len(best.Prefix)) {
			best, found = r, true
		}
	}
	return best
}
