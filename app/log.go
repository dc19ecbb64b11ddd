package app

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
)

// newLog returns the logger of the application: to standard output, and to
// syslog and error mail where this process does that. A record is mailed that
// is at ERROR or above and holds a stack trace.
func (a *App) newLog() *slog.Logger {
	return slog.New(&requestHandler{slog.NewMultiHandler(
		a.plainHandler(),
		a.lineHandler(slog.LevelDebug, a.toSyslog, func() bool { return a.syslog != nil }),
		a.lineHandler(slog.LevelError, a.toMail, func() bool { return a.errors != nil }),
	)})
}

func (a *App) handlerOptions() *slog.HandlerOptions {
	return &slog.HandlerOptions{Level: a.LogLevel, ReplaceAttr: nameLevel}
}

// plainHandler writes to standard output.
func (a *App) plainHandler() slog.Handler {
	if a.LogFormat == "text" {
		return slog.NewTextHandler(a.options.Stdout, a.handlerOptions())
	}
	return slog.NewJSONHandler(a.options.Stdout, a.handlerOptions())
}

// nameLevel calls the levels as LOG_LEVEL and the runtime do.
func nameLevel(groups []string, attr slog.Attr) slog.Attr {
	level, ok := attr.Value.Any().(slog.Level)
	if len(groups) > 0 || attr.Key != slog.LevelKey || !ok {
		return attr
	}
	switch {
	case level >= slog.LevelError+4:
		attr.Value = slog.StringValue("CRITICAL")
	case level == slog.LevelWarn:
		attr.Value = slog.StringValue("WARNING")
	}
	return attr
}

// requestHandler adds the id of the request that a record's context belongs to.
type requestHandler struct{ slog.Handler }

// Handle is part of slog.Handler. The id comes first: whoever cuts a long record,
// as a datagram to syslog is, leaves it.
func (h *requestHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		named := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
		named.AddAttrs(slog.String("request_id", id))
		r.Attrs(func(attr slog.Attr) bool { named.AddAttrs(attr); return true })
		r = named
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs is part of slog.Handler.
func (h *requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &requestHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup is part of slog.Handler.
func (h *requestHandler) WithGroup(name string) slog.Handler {
	return &requestHandler{h.Handler.WithGroup(name)}
}

// line lets another handler write a record as one line and hands that on.
type line struct {
	slog.Handler
	shared *sharedLine
}

type sharedLine struct {
	mu      sync.Mutex
	buffer  bytes.Buffer
	least   slog.Level
	open    func() bool
	deliver func(ctx context.Context, r slog.Record, text string)
}

func (a *App) lineHandler(least slog.Level, deliver func(context.Context, slog.Record, string), open func() bool) slog.Handler {
	shared := &sharedLine{least: max(least, a.LogLevel), open: open, deliver: deliver}
	return &line{slog.NewJSONHandler(&shared.buffer, a.handlerOptions()), shared}
}

// Enabled is part of slog.Handler.
func (l *line) Enabled(_ context.Context, level slog.Level) bool {
	return level >= l.shared.least && l.shared.open()
}

// Handle is part of slog.Handler.
func (l *line) Handle(ctx context.Context, r slog.Record) error {
	l.shared.mu.Lock()
	l.shared.buffer.Reset()
	err := l.Handler.Handle(ctx, r)
	text := l.shared.buffer.String()
	l.shared.mu.Unlock()
	l.shared.deliver(ctx, r, text)
	return err
}

// WithAttrs is part of slog.Handler.
func (l *line) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &line{l.Handler.WithAttrs(attrs), l.shared}
}

// WithGroup is part of slog.Handler.
func (l *line) WithGroup(name string) slog.Handler {
	return &line{l.Handler.WithGroup(name), l.shared}
}
