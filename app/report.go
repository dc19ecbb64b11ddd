package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/mail"
	"github.com/roadworthy-dev/roadworthy/internal/settings"
	"github.com/roadworthy-dev/roadworthy/internal/trace"
)

// Report tells people about an error that nobody else will see: it is logged
// at ERROR with the stack of the caller, as one record, and mailed. Errors of
// the same types at the same place are one kind, of which repeats are counted.
//
// An error by which a request ends because its client has left, which is
// [context.Canceled] once ctx has ended, is nobody's fault: it is logged at
// DEBUG.
func (a *App) Report(ctx context.Context, err error) {
	if err == nil {
		return
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		a.Log.DebugContext(ctx, "given up", "error", err)
		return
	}
	a.tell(ctx, "error", titleOf(err), err.Error(), typesOf(err), inApp())
}

// failed is Report for an error that came to this package: our stack does not
// say where from, so that its text makes the kind.
func (a *App) failed(ctx context.Context, err error) {
	a.tell(ctx, "error", titleOf(err), err.Error(), "", nil)
}

// panicked tells people about a panic and returns it as an error.
func (a *App) panicked(ctx context.Context, p any, r *http.Request) error {
	title := fmt.Sprintf("panic: %v", p)
	message := "panic"
	if r != nil {
		message = "panic in a handler"
	}
	a.tell(ctx, message, title, title, fmt.Sprintf("panic %T", p), inApp())
	return errors.New(title)
}

// call is one call that led to an error.
type call struct {
	function, file string
	line           int
}

type eventKey struct{}

// tell logs an error as one record; the handler for mails takes the event
// from the context, which knows more than the record does.
func (a *App) tell(ctx context.Context, message, title, text, types string, calls []call) {
	text += "\n\n" + stack()
	about := requestOf(ctx)
	e := mail.Event{
		Title: title, Language: "Go", Text: text, Release: a.Release, RequestID: about.id, Level: slog.LevelError,
		Request: strings.TrimSpace(about.method + " " + about.path),
	}
	names := []string{"go", types}
	for i, c := range calls {
		if i == 0 {
			e.Where = fmt.Sprintf("%s:%d in %s", c.file, c.line, c.function)
		}
		if i < 5 {
			names = append(names, c.function)
		}
	}
	if len(calls) == 0 {
		names = append(names, withoutNumbers(title))
	}
	e.Fingerprint = fingerprint(names...)
	a.Log.LogAttrs(context.WithValue(ctx, eventKey{}, e), slog.LevelError, message, slog.String("error", title), slog.String("stack", text))
}

// here is what the functions of this package begin with.
const here = "github.com/roadworthy-dev/roadworthy/app."

// stack is that of the caller, without the calls of this package at its top:
// the runtime tells kinds of errors by the first calls, and names the first.
func stack() string {
	title, calls, _ := strings.Cut(string(debug.Stack()), "\n")
	for strings.HasPrefix(calls, "runtime/debug.") || strings.HasPrefix(calls, here) {
		_, place, _ := strings.Cut(calls, "\n")
		_, calls, _ = strings.Cut(place, "\n")
	}
	return title + "\n" + calls
}

// toMail counts a record that holds a stack trace, as the runtime does with a
// line of the log. It waits for nobody.
func (a *App) toMail(ctx context.Context, r slog.Record, text string) {
	if e, ok := ctx.Value(eventKey{}).(mail.Event); ok {
		a.errors.Report(e)
		return
	}
	about := requestOf(ctx)
	for _, found := range trace.FindAnywhere(text) {
		a.errors.Report(mail.Event{
			Fingerprint: found.Fingerprint(""), Title: found.Title(), Where: found.Where(""), Language: found.Language, Text: text, Release: a.Release,
			RequestID: about.id, Request: strings.TrimSpace(about.method + " " + about.path), Level: r.Level, Time: r.Time,
		})
		return // the others tell of the same
	}
}

// inApp lists the calls within the application, the innermost first.
func inApp() []call {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var list []call
	for {
		f, more := frames.Next()
		foreign := strings.HasPrefix(f.Function, "runtime.") || strings.HasPrefix(f.Function, "net/http.") || strings.HasPrefix(f.Function, "runtime/") ||
			strings.HasPrefix(f.Function, "sync.") || strings.HasPrefix(f.Function, here)
		if !foreign && f.Function != "" {
			list = append(list, call{f.Function, shortFile(f.File), f.Line})
		}
		if !more {
			return list
		}
	}
}

// shortFile is a file with its folder alone: where it was compiled is of no interest.
func shortFile(path string) string {
	return filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))
}

// titleOf names an error by its type, where that says something, and its text.
func titleOf(err error) string {
	kind := fmt.Sprintf("%T", err)
	if strings.HasPrefix(kind, "*errors.") || strings.HasPrefix(kind, "*fmt.") {
		return err.Error()
	}
	return strings.TrimPrefix(kind, "*") + ": " + err.Error()
}

// typesOf lists the types of an error and of those that it wraps.
func typesOf(err error) string {
	var list []string
	for ; err != nil; err = errors.Unwrap(err) {
		list = append(list, fmt.Sprintf("%T", err))
	}
	return strings.Join(list, " ")
}

// withoutNumbers returns the first line of a title, so that "index 3" and
// "index 4" are one kind.
func withoutNumbers(title string) string {
	first, _, _ := strings.Cut(title, "\n")
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, first)
}

func fingerprint(names ...string) string {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(strings.Join(names, "\x00")))
	return hex.EncodeToString(sum.Sum(nil))
}

func newScrubber(table *settings.Table) *mail.Scrubber { return mail.NewScrubber(table.Secrets()) }
