package runner

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/settings"
)

// Settings are the settings of roadworthy run, from flags, environment, the
// section run of roadworthy.yaml, and defaults. The defaults are for
// production.
type Settings struct {
	Leave       []string `env:"-" help:"requirements of the standard that the application meets itself, such as error.mail"`
	Listen      string   `env:"LISTEN" help:"where to listen: host:port, or unix:/path; by default every address at the port"`
	Port        int      `env:"PORT" default:"8000" min:"0" max:"65535" help:"where to listen, on every address"`
	Mode        string   `env:"ROADWORTHY_MODE" default:"proxy" help:"proxy: each worker has a port of its own; socket: a unix socket of its own; shared: all inherit one listening socket and serve it themselves, with status route, ids and limits of their own"`
	Workers     int      `env:"WEB_CONCURRENCY" default:"0" min:"0" max:"1024" help:"worker processes; 0 is one for each processor, at least two"`
	Counts      []string `env:"ROADWORTHY_COUNTS" help:"how many of other process types run, such as worker=2,clock=1; by default one of each"`
	User        string   `env:"ROADWORTHY_USER" help:"user that the application runs as, where the master is root; by default the master's"`
	Privileges  bool     `env:"ROADWORTHY_PRIVILEGES" default:"false" help:"whether the application may gain privileges by executing a setuid program"`
	Concurrency int      `env:"ROADWORTHY_CONCURRENCY" default:"0" min:"0" help:"requests that a worker gets at the same time; 0 is no limit"`
	Environment string   `env:"ENVIRONMENT" default:"production" help:"name of this environment, for mails and logs"`
	Release     string   `env:"RELEASE" help:"name of this release, for mails and logs"`
	Health      string   `env:"ROADWORTHY_HEALTH" help:"path that a healthy worker answers with less than 500; by default the first page of traffic, else /; off: any connection counts"`
	Streams     string   `env:"ROADWORTHY_STREAMS" default:"close" help:"WebSockets and event streams when their worker goes: close (1001, spread), linger, cut"`

	Log     LogSettings     `key:"log"`
	Syslog  SyslogSettings  `key:"syslog"`
	Mail    MailSettings    `key:"mail"`
	Status  StatusSettings  `key:"status"`
	Times   TimeSettings    `key:"times" env:"ROADWORTHY_TIMES_"`
	Limits  LimitSettings   `key:"limits" env:"ROADWORTHY_LIMITS_"`
	Recycle RecycleSettings `key:"recycle" env:"ROADWORTHY_RECYCLE_"`
	TLS     TLSSettings     `key:"tls" env:"TLS_"`
}

// LogSettings say what is logged to standard output.
type LogSettings struct {
	Level  slog.Level        `env:"LOG_LEVEL" default:"INFO" help:"least level: DEBUG, INFO, WARNING, ERROR"`
	Access string            `env:"ROADWORTHY_LOG_ACCESS" default:"all" help:"requests to log: all, errors (status 500 and above), off"`
	Format string            `env:"ROADWORTHY_LOG_FORMAT" default:"raw" help:"raw: the lines of the application as they are; prefix: with time and worker in front"`
	Keep   settings.ByteSize `env:"ROADWORTHY_LOG_KEEP" default:"4MiB" help:"memory for roadworthy logs"`
}

// SyslogSettings say where the log goes as well.
type SyslogSettings struct {
	URL      string     `env:"SYSLOG_URL" help:"unix:///dev/log, udp://host:514, tcp://host:601 or tls://host:6514; ?format=3164&framing=lf"`
	Facility string     `env:"SYSLOG_FACILITY" default:"user" help:"syslog facility, by name"`
	Level    slog.Level `env:"ROADWORTHY_SYSLOG_LEVEL" default:"DEBUG" help:"least level for syslog, besides the log's own"`
}

// MailSettings say who gets error mail.
type MailSettings struct {
	Errors []string `env:"ERROR_MAIL" help:"who gets stack traces; none: nobody"`
	Server string   `env:"SMTP_URL" secret:"true" help:"smtp://user:password@host:port or smtps://…; ?starttls=required|optional|none"`
	From   string   `env:"MAIL_FROM" help:"sender; by default the user of SMTP_URL where that is an address, else errors at this host"`
	Hourly int      `env:"ROADWORTHY_MAIL_HOURLY" default:"10" min:"1" help:"mails in an hour at most; then one digest with exact counts"`
}

// StatusSettings describe the status route.
type StatusSettings struct {
	Path  string        `env:"ROADWORTHY_STATUS_PATH" default:"/status" help:"path of the status route"`
	Token []string      `env:"STATUS_TOKEN" secret:"true" help:"tokens that open it, at least 16 characters each; two while one replaces the other; none: no route"`
	Every time.Duration `env:"ROADWORTHY_STATUS_EVERY" default:"2s" min:"100ms" help:"between two looks at a backing service"`
}

// TimeSettings bound what may take time.
type TimeSettings struct {
	Ready    time.Duration `default:"30s" min:"1ms" help:"from a worker's start until it answers"`
	Settle   time.Duration `default:"2s" min:"0s" help:"how long a worker of a new generation must live before its predecessor goes"`
	Drain    time.Duration `default:"25s" min:"0s" help:"for requests in flight when a worker goes"`
	Stop     time.Duration `default:"5s" min:"0s" help:"from SIGTERM to SIGKILL"`
	First    time.Duration `default:"30s" min:"1ms" help:"until a worker's first byte"`
	Idle     time.Duration `default:"55s" min:"1ms" help:"between two bytes of a worker"`
	Request  time.Duration `default:"0s" min:"0s" help:"for a whole request, then its worker counts as hung; 0 is no limit"`
	Watchdog time.Duration `default:"0s" min:"0s" help:"longest pause between two WATCHDOG=1 of a worker (sd_notify), then it counts as hung; 0 asks for none"`
	Probe    time.Duration `default:"10s" min:"0s" help:"how long a worker gets no request before the runtime asks it for the page of health; if it does not answer within times.first, it counts as hung; 0 asks nobody, nor does health=off or mode=shared"`
	Queue    time.Duration `default:"10s" min:"0s" help:"for a request to wait for a worker"`
}

// LimitSettings bound what a client may cost.
type LimitSettings struct {
	Header      settings.ByteSize `default:"64KiB" min:"1KiB" help:"request line and header"`
	Body        settings.ByteSize `default:"1GiB" min:"0" help:"request body"`
	Connections int               `default:"65536" min:"1" help:"connections at the same time"`
	Queue       int               `default:"1024" min:"0" help:"requests that wait for a worker"`
	Trusted     []netip.Prefix    `help:"addresses of proxies whose X-Forwarded-For and X-Request-Id are believed"`
}

// RecycleSettings say when a healthy worker is replaced.
type RecycleSettings struct {
	Memory   settings.ByteSize `default:"0" help:"proportional memory (PSS) of a worker, above which it is replaced when it is drained; 0 is no limit"`
	Kill     settings.ByteSize `default:"0" help:"proportional memory (PSS) of a worker, above which it is killed; 0 is no limit"`
	Requests int               `default:"0" min:"0" help:"requests; 0 is no limit"`
	Age      time.Duration     `default:"0s" min:"0s" help:"time; 0 is no limit"`
}

// TLSSettings let the front speak TLS.
type TLSSettings struct {
	Certificate string   `env:"CERTIFICATE" help:"file with the certificate chain, in PEM; read again when it changes"`
	Key         string   `env:"KEY" help:"file with its key, in PEM"`
	Domains     []string `env:"DOMAINS" help:"names to get certificates for by ACME (RFC 8555), whose authority's terms you then accept"`
	Directory   string   `env:"DIRECTORY" help:"where that authority's directory is, such as https://ca.example.org/acme/directory; by default Let's Encrypt's"`
	Roots       string   `env:"ROOTS" help:"file with certificates, in PEM, by which that authority's server is known besides the system's"`
	EAB         EAB      `key:"eab" env:"EAB_"`
	Email       string   `env:"EMAIL" help:"who is told of trouble with these certificates"`
	Folder      string   `env:"FOLDER" help:"where these certificates are kept, those of another authority than Let's Encrypt in a folder below; by default in the user's cache"`
	Plain       string   `env:"PLAIN" help:"address such as :80 that answers plain HTTP: it redirects to https and answers ACME"`
}

// EAB binds the account that certificates are got with to one that the
// authority knows already (RFC 8555, section 7.3.4).
type EAB struct {
	ID  string `env:"ID" help:"key identifier of the external account, for authorities that ask for one"`
	Key string `env:"KEY" secret:"true" help:"MAC key of the external account, in base64url as the authority shows it"`
}

// bytes is the MAC key. Some show it with padding.
func (e EAB) bytes() ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(e.Key, "=")) //nolint:wrapcheck // the caller knows of what
}

func (e EAB) validate() error {
	if (e.ID == "") != (e.Key == "") {
		return errors.New("tls.eab.id and tls.eab.key belong together")
	}
	if _, err := e.bytes(); err != nil {
		return fmt.Errorf("tls.eab.key has %d characters that are not all of base64url; want the MAC key as the authority shows it", len(e.Key))
	}
	return nil
}

// Validate refuses what no single field can see.
func (s Settings) Validate() error {
	var errs []error
	word := func(name, got string, allowed ...string) {
		if !slices.Contains(allowed, got) {
			errs = append(errs, fmt.Errorf("%s is %q; want one of %s", name, got, strings.Join(allowed, ", ")))
		}
	}
	word("mode", s.Mode, "proxy", "socket", "shared")
	word("streams", s.Streams, "close", "linger", "cut")
	word("log.access", s.Log.Access, "all", "errors", "off")
	word("log.format", s.Log.Format, "raw", "prefix")
	for _, name := range s.Leave {
		word("leave", name, manifest.Supplied...)
	}
	if _, err := s.counts(); err != nil {
		errs = append(errs, err)
	}
	if !strings.HasPrefix(s.Status.Path, "/") {
		errs = append(errs, fmt.Errorf("status.path is %q; want a path that begins with a slash", s.Status.Path))
	}
	if (s.TLS.Certificate == "") != (s.TLS.Key == "") {
		errs = append(errs, errors.New("tls.certificate and tls.key belong together"))
	}
	if s.TLS.Directory != "" && !strings.HasPrefix(s.TLS.Directory, "https://") {
		errs = append(errs, fmt.Errorf("tls.directory is %q; want an address that begins with https://", s.TLS.Directory))
	}
	errs = append(errs, s.TLS.EAB.validate(), checkDomains(s.TLS.Domains))
	return errors.Join(errs...)
}

// counts reads how many of each process type run.
func (s Settings) counts() (map[string]int, error) {
	counts := map[string]int{}
	for _, entry := range s.Counts {
		name, text, _ := strings.Cut(entry, "=")
		number, err := strconv.Atoi(text)
		if err != nil || number < 0 || name == "web" {
			return nil, fmt.Errorf("counts holds %q; want TYPE=NUMBER, such as worker=2; web is counted by workers", entry)
		}
		counts[name] = number
	}
	return counts, nil
}

// count is how many workers of web run.
func (s Settings) count() int {
	if s.Workers > 0 {
		return s.Workers
	}
	return max(2, runtime.NumCPU())
}
