package syslogsink

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"

	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"
)

// Formats that a frame may have.
const (
	RFC5424 = "rfc5424"
	RFC3164 = "rfc3164"
)

// Parsed is what a frame says.
type Parsed struct {
	// Format is RFC5424, RFC3164 or "" for a frame that parses as neither.
	Format string
	// Facility (0 to 23) and Severity (0 to 7) come from the priority, which
	// is read even from frames of neither format; -1 without one.
	Facility, Severity int
	AppName            string // APP-NAME, or the tag without its process id
	Host               string
	Message            string // for Format "", all that follows the priority
	Error              string // why a strict parse failed; "" if Format is not
}

var (
	priority = regexp.MustCompile(`^<(0|[1-9][0-9]{0,2})>`)
	// local is what the syslog(3) of C libraries writes to /dev/log: RFC 3164
	// without the host name, which that RFC leaves to the local daemon.
	local = regexp.MustCompile(`^[A-Z][a-z]{2} [ 0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] ([^\s:\[\]]{1,255})(?:\[[0-9]+\])?: ?`)
)

// Parse reads a frame strictly by RFC 5424 or by RFC 3164, whose timestamp may
// also be one of RFC 3339, as Go's log/syslog writes it, and whose local form
// has no host name. A closing LF or NUL, as C and Python append it, does not
// count against a frame.
func Parse(raw []byte) Parsed {
	line := bytes.TrimRight(raw, "\n\x00")
	p := Parsed{Facility: -1, Severity: -1}
	pri := priority.FindSubmatch(line)
	if pri == nil {
		p.Message, p.Error = string(line), "no priority"
		return p
	}
	value, err := strconv.Atoi(string(pri[1]))
	rest := line[len(pri[0]):]
	p.Message = string(rest)
	if err != nil || value > 191 {
		p.Error = fmt.Sprintf("priority %s is above 191", pri[1])
		return p
	}
	p.Facility, p.Severity = value/8, value%8
	if bytes.HasPrefix(rest, []byte("1 ")) {
		p.structured(line)
	} else {
		p.bsd(line, rest)
	}
	return p
}

// structured reads a frame of RFC 5424.
func (p *Parsed) structured(line []byte) {
	parsed, err := rfc5424.NewMachine().Parse(line)
	m, ok := parsed.(*rfc5424.SyslogMessage)
	if err != nil || !ok {
		p.Error = reason(err)
		return
	}
	p.Format = RFC5424
	p.AppName, p.Host, p.Message = text(m.Appname), text(m.Hostname), text(m.Message)
}

// bsd reads a frame of RFC 3164. The local form comes first: read as the full
// form, its tag would be taken for a host.
func (p *Parsed) bsd(line, rest []byte) {
	if m := local.FindSubmatchIndex(rest); m != nil {
		p.Format = RFC3164
		p.AppName, p.Message = string(rest[m[2]:m[3]]), string(rest[m[1]:])
		return
	}
	parsed, err := rfc3164.NewMachine(rfc3164.WithEmbeddedNewlines()).Parse(line)
	if err != nil {
		strict := err
		parsed, err = rfc3164.NewMachine(rfc3164.WithEmbeddedNewlines(), rfc3164.WithRFC3339()).Parse(line)
		if err != nil {
			err = strict
		}
	}
	m, ok := parsed.(*rfc3164.SyslogMessage)
	if err != nil || !ok {
		p.Error = reason(err)
		return
	}
	p.Format = RFC3164
	p.AppName, p.Host, p.Message = text(m.Appname), text(m.Hostname), text(m.Message)
}

// reason is why a parse failed. The parsers return neither a message nor an
// error when a frame ends too early.
func reason(err error) string {
	if err == nil {
		return "the frame ends too early"
	}
	return err.Error()
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
