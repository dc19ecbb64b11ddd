// Package syslog sends messages to a syslog daemon: RFC 5424 or RFC 3164, over
// a unix socket, UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425).
//
// [ParseURL] reads where to send, [New] makes a [Sender], and [Sender.Send]
// hands over messages in order. A message is one frame however many lines it
// has. Send waits where the daemon is slow or away: call it from a goroutine of
// its own, with a bounded queue in front. What was handed over and is known to
// be lost is counted to the line; what a broken connection left unacknowledged
// is sent again.
//
// The invariant: Send says of each message whether it was handed over, so that
// a caller who gives the others again loses none and doubles none. Beyond that,
// syslog has no receipts: what the kernel of a killed daemon had taken and the
// daemon had not read is lost, and nobody can count it.
//
// The room knows neither records nor levels but for [SeverityOf]; it starts no
// goroutine but one for each open connection, which watches for its end. Read
// next: encode.go, then sender.go.
package syslog

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Severity is that of RFC 5424 table 2.
type Severity uint8

// The severities.
const (
	Emergency Severity = iota
	Alert
	Critical
	Error
	Warning
	Notice
	Informational
	Debug
)

// SeverityOf maps a level of log/slog: 12 and above are critical, 2 is notice.
func SeverityOf(level slog.Level) Severity {
	switch {
	case level >= slog.LevelError+4:
		return Critical
	case level >= slog.LevelError:
		return Error
	case level >= slog.LevelWarn:
		return Warning
	case level >= slog.LevelInfo+2:
		return Notice
	case level >= slog.LevelInfo:
		return Informational
	}
	return Debug
}

// Facility is that of RFC 5424 table 1, from 0 to 23.
type Facility uint8

// User is the facility of programs that name none.
const User Facility = 1

var facilities = []string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// ParseFacility reads a facility's name, such as "daemon" or "local0".
func ParseFacility(name string) (Facility, error) {
	i := slices.Index(facilities, strings.ToLower(name))
	if i < 0 {
		return 0, fmt.Errorf("read a syslog facility: %q is none of %s", name, strings.Join(facilities, ", "))
	}
	return Facility(i), nil
}

// String returns the facility's name.
func (f Facility) String() string {
	if int(f) < len(facilities) {
		return facilities[f]
	}
	return fmt.Sprint(uint8(f))
}

// Param is one pair of structured data.
type Param struct {
	Name  string // up to 32 printable characters, not one of `= ]"`; others become "_"
	Value string
}

// Origin is what messages of one process have in common. It must not change
// after its first use.
type Origin struct {
	App    string // such as "guestbook"
	ProcID string // such as "web.1" or a process id
	MsgID  string // such as "stderr"
	Params []Param
}

// Message is one message.
type Message struct {
	Time     time.Time
	Severity Severity
	Origin   *Origin
	Params   []Param // beside those of the origin
	Text     []byte  // any bytes; newlines may stand inside
	Lines    int     // that it stands for in the counts; 0 counts as 1
}

func (m *Message) lines() uint64 { return uint64(max(m.Lines, 1)) }
