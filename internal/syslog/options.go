package syslog

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"
)

// Format is how a message is written.
type Format uint8

// The formats. Default is RFC 3164 on a unix socket, where daemons expect what
// the C library writes, and RFC 5424 elsewhere.
const (
	DefaultFormat Format = iota
	RFC5424
	RFC3164
)

// Framing is how the end of a message is told in a stream (RFC 6587).
type Framing uint8

// The framings. Default is the line feed on a unix socket, and octet counting
// elsewhere; TLS knows no other (RFC 5425 section 4.3).
const (
	DefaultFraming Framing = iota
	OctetCounting
	LineFeed // newlines inside are written as #012
)

// Options say where to send and how. Only Network and Address have no default.
type Options struct {
	Network  string // "unix", "udp", "tcp" or "tls"
	Address  string // a path, or host:port
	Format   Format
	Framing  Framing
	Facility Facility
	Host     string // "-" by default
	DataID   string // of structured data; "roadworthy@32473" by default

	// MaxMessage is the most bytes of one message, its frame apart; a longer one
	// is cut, with a mark. By default 1180 on UDP (RFC 5426 section 3.2), 64 KiB
	// elsewhere: some daemons lose step in a stream above 200,000.
	MaxMessage int

	CAFile, CertFile, KeyFile string // for TLS; PEM; the system's roots and no certificate by default

	DialTimeout time.Duration // 5 s by default
	UserTimeout time.Duration // how long TCP waits for an acknowledgement; 30 s by default
	Location    *time.Location
	Now         func() time.Time
	Random      func() float64 // in [0, 1), for the jitter of retries
}

const (
	minMessage     = 480 // RFC 5424 section 6.1: every receiver takes so much
	datagramLimit  = 1180
	streamLimit    = 64 << 10
	defaultDataID  = "roadworthy@32473" // the number is the one for documentation, RFC 5612
	defaultUDPPort = "514"
	defaultTLSPort = "6514"
)

// ParseURL reads unix:///dev/log, udp://host:514, tcp://host:514 or
// tls://host:6514, with the parameters format=5424|3164, framing=octet|lf,
// facility=NAME, max=BYTES and, for TLS, ca=, cert= and key= with paths. A
// parameter that it does not know is an error.
func ParseURL(text string) (Options, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Options{}, fmt.Errorf("read a syslog address: %w", err)
	}
	o := Options{Network: u.Scheme, Address: u.Host, Facility: User}
	switch u.Scheme {
	case "unix":
		if o.Address = u.Path; u.Host != "" || u.Path == "" {
			return o, fmt.Errorf("read a syslog address: %q needs three slashes before the path, as in unix:///dev/log", text)
		}
	case "udp", "tcp", "tls":
		if o.Address, err = hostPort(u); err != nil {
			return o, fmt.Errorf("read a syslog address: %q: %w", text, err)
		}
	default:
		return o, fmt.Errorf("read a syslog address: %q begins with none of unix://, udp://, tcp://, tls://", text)
	}
	for key, values := range u.Query() {
		if err := o.set(key, values[len(values)-1]); err != nil {
			return o, fmt.Errorf("read a syslog address: %w", err)
		}
	}
	return o, o.check()
}

func hostPort(u *url.URL) (string, error) {
	if u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return "", fmt.Errorf("want host:port and no path")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"udp": defaultUDPPort, "tcp": defaultUDPPort, "tls": defaultTLSPort}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

func (o *Options) set(key, value string) (err error) {
	switch key {
	case "format":
		formats := map[string]Format{"5424": RFC5424, "rfc5424": RFC5424, "3164": RFC3164, "rfc3164": RFC3164}
		if o.Format = formats[value]; o.Format == 0 {
			return fmt.Errorf("format=%s is neither 5424 nor 3164", value)
		}
	case "framing":
		framings := map[string]Framing{"octet": OctetCounting, "lf": LineFeed}
		if o.Framing = framings[value]; o.Framing == 0 {
			return fmt.Errorf("framing=%s is neither octet nor lf", value)
		}
	case "facility":
		o.Facility, err = ParseFacility(value)
	case "max":
		if o.MaxMessage, err = strconv.Atoi(value); err != nil || o.MaxMessage < minMessage {
			return fmt.Errorf("max=%s is no number of bytes from %d", value, minMessage)
		}
	case "ca":
		o.CAFile = value
	case "cert":
		o.CertFile = value
	case "key":
		o.KeyFile = value
	default:
		return fmt.Errorf("the parameter %s is none of format, framing, facility, max, ca, cert, key", key)
	}
	return err
}

// check refuses what cannot work.
func (o *Options) check() error {
	switch {
	case o.Network == "tls" && o.Framing == LineFeed:
		return fmt.Errorf("read a syslog address: TLS knows octet counting only (RFC 5425 section 4.3)")
	case o.Network != "tls" && o.CAFile+o.CertFile+o.KeyFile != "":
		return fmt.Errorf("read a syslog address: ca, cert and key are for tls:// only")
	case (o.CertFile == "") != (o.KeyFile == ""):
		return fmt.Errorf("read a syslog address: cert and key go together")
	}
	return nil
}

// complete fills in the defaults.
func (o *Options) complete() {
	unix := o.Network == "unix"
	if o.Format == DefaultFormat {
		o.Format = RFC5424
		if unix {
			o.Format = RFC3164
		}
	}
	if o.Framing == DefaultFraming {
		o.Framing = OctetCounting
		if unix {
			o.Framing = LineFeed
		}
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = streamLimit
		if o.Network == "udp" {
			o.MaxMessage = datagramLimit
		}
	}
	o.MaxMessage = max(o.MaxMessage, minMessage)
	if o.DataID == "" {
		o.DataID = defaultDataID
	}
	if o.DialTimeout == 0 {
		o.DialTimeout = 5 * time.Second
	}
	if o.UserTimeout == 0 {
		o.UserTimeout = 30 * time.Second
	}
	if o.Location == nil {
		o.Location = time.Local
	}
}
