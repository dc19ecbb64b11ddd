package runner

import (
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/logs"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/syslog"
)

// syslogSink sends records to a syslog daemon.
type syslogSink struct {
	sender   *syslog.Sender
	app      string
	origins  map[*logs.Source]*syslog.Origin
	messages []syslog.Message
}

func (m *master) openSyslog() (logs.Sink, error) {
	s := m.config().Settings.Syslog
	options, err := syslog.ParseURL(s.URL)
	if err != nil {
		return nil, &problem.Problem{Code: "RW-R02", Summary: "SYSLOG_URL is no syslog address", Got: err.Error(), Want: "unix:///dev/log, udp://host, tcp://host or tls://host", Fix: "set SYSLOG_URL", Cause: err}
	}
	if !strings.Contains(s.URL, "facility=") {
		if options.Facility, err = syslog.ParseFacility(s.Facility); err != nil {
			return nil, &problem.Problem{Code: "RW-R02", Summary: "SYSLOG_FACILITY is no facility", Got: s.Facility, Want: "a name such as user or local0", Fix: "set SYSLOG_FACILITY", Cause: err}
		}
	}
	if options.Host == "" {
		options.Host, _ = os.Hostname()
	}
	sender, err := syslog.New(options)
	if err != nil {
		return nil, &problem.Problem{Code: "RW-R02", Summary: "SYSLOG_URL cannot be used", Got: err.Error(), Want: "readable certificates", Fix: "set SYSLOG_URL", Cause: err}
	}
	m.syslog = sender
	return &syslogSink{sender: sender, app: m.config().Manifest.Name, origins: map[*logs.Source]*syslog.Origin{}}, nil
}

const mostOrigins = 4096 // of processes that ended long ago

// Write sends records and says how many were handed over.
func (s *syslogSink) Write(ctx context.Context, records []logs.Record) (int, error) {
	s.messages = s.messages[:0]
	for _, r := range records {
		message := syslog.Message{Time: r.Time, Severity: syslog.SeverityOf(r.Level), Origin: s.origin(r.Source), Text: r.Text, Lines: int(r.Lines)}
		if r.RequestID != "" {
			message.Params = []syslog.Param{{Name: "request", Value: r.RequestID}}
		}
		s.messages = append(s.messages, message)
	}
	return s.sender.Send(ctx, s.messages)
}

func (s *syslogSink) origin(of *logs.Source) *syslog.Origin {
	if origin, ok := s.origins[of]; ok {
		return origin
	}
	if len(s.origins) > mostOrigins {
		clear(s.origins)
	}
	origin := &syslog.Origin{App: s.app, ProcID: strconv.Itoa(of.PID), MsgID: of.Stream.String(), Params: []syslog.Param{{Name: "worker", Value: of.Name()}}}
	if of.PID == 0 {
		origin.ProcID = strconv.Itoa(os.Getpid())
	}
	if of.Generation > 0 {
		origin.Params = append(origin.Params, syslog.Param{Name: "generation", Value: strconv.Itoa(of.Generation)})
	}
	s.origins[of] = origin
	return origin
}
