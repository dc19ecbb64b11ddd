package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench/mailsink"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Canary is a secret value that must not leave the application.
type Canary struct{ Name, Value string }

// Leak is a place where a canary left the application. It holds no secret.
type Leak struct {
	Secret  string `json:"secret"`  // name of the canary
	Where   string `json:"where"`   // standard output, syslog, mail, reply, file, arguments …
	Form    string `json:"form"`    // of its [Disguises]
	Excerpt string `json:"excerpt"` // at most 200 bytes around it, with every secret replaced by its name
}

// Searched counts what a hunt looked through.
type Searched struct {
	Lines     int      `json:"lines"`            // of standard output and error
	Frames    int      `json:"frames"`           // of syslog
	Mails     int      `json:"mails"`            //
	Replies   int      `json:"replies"`          //
	Files     int      `json:"files"`            // written ones
	Arguments int      `json:"arguments"`        // argument lists of processes
	Missed    []string `json:"missed,omitempty"` // what could not be searched whole, in words; at most 10
}

// Hunt searches everything that leaves an application for canaries, plain and
// in disguise. It is for one goroutine.
type Hunt struct {
	boot     *Boot
	needles  []needle
	redactor *strings.Replacer
	seen     map[Leak]bool // without excerpts
	leaks    []Leak
	args     map[string]bool
	searched Searched
}

type needle struct {
	canary Canary
	Disguise
}

const (
	shortestCanary = 8  // characters; a shorter value appears by chance
	maxLeaks       = 30 // that are kept
	maxMissed      = 10
)

// Canaries lists what is secret in a boot: the secret settings and the
// passwords of its services.
func (b *Boot) Canaries() []Canary {
	var list []Canary
	for _, setting := range b.bench.Manifest.Config.Sorted() {
		if setting.Secret && setting.Effect != manifest.EffectService && b.given(setting.Name) {
			list = append(list, Canary{setting.Name, b.Values.Set[setting.Name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Services)) {
		if password := b.Services[name].Password; password != "" {
			list = append(list, Canary{"the password of " + name, password})
		}
	}
	return slices.DeleteFunc(list, func(c Canary) bool { return len(c.Value) < shortestCanary })
}

// Hunt begins a search for the canaries.
func (b *Boot) Hunt(canaries ...Canary) *Hunt {
	h := &Hunt{boot: b, seen: map[Leak]bool{}, args: map[string]bool{}}
	var replace []string
	for _, canary := range canaries {
		for _, d := range Disguises(canary.Value) {
			h.needles = append(h.needles, needle{canary, d})
			replace = append(replace, d.Text, "("+canary.Name+")")
		}
	}
	h.redactor = strings.NewReplacer(replace...)
	return h
}

// Redact replaces every canary in a text by its name.
func (h *Hunt) Redact(text string) string { return h.redactor.Replace(text) }

// Text searches a text that left by the way that where names.
func (h *Hunt) Text(where, text string) {
	for _, n := range h.needles {
		if at := strings.Index(text, n.Text); at >= 0 {
			h.note(n, where, excerpt(text, at, len(n.Text)))
		}
	}
}

// excerpt cuts lines around a finding; whole lines, so that redaction sees
// whole secrets.
func excerpt(text string, at, size int) string {
	from := strings.LastIndexByte(text[:at], '\n') + 1
	to := at + size
	if end := strings.IndexByte(text[to:], '\n'); end >= 0 {
		to += end
	} else {
		to = len(text)
	}
	return text[from:to]
}

func (h *Hunt) note(n needle, where, text string) {
	leak := Leak{Secret: n.canary.Name, Where: where, Form: n.Form}
	if h.seen[leak] || len(h.leaks) == maxLeaks {
		return
	}
	h.seen[leak] = true
	text = h.Redact(text)
	at := max(0, strings.Index(text, "("+n.canary.Name+")"))
	from := max(0, at-100)
	leak.Excerpt = strings.ToValidUTF8(text[from:min(len(text), from+200)], "")
	h.leaks = append(h.leaks, leak)
}

// Reply searches headers and body of a reply.
func (h *Hunt) Reply(replies ...Reply) {
	for _, reply := range replies {
		if reply.Status == 0 {
			continue
		}
		h.searched.Replies++
		where := fmt.Sprintf("the reply to %s %s", reply.Method, clip(h.Redact(reply.Target), 60))
		for _, name := range slices.Sorted(maps.Keys(reply.Header)) {
			for _, value := range reply.Header[name] {
				h.Text(where+", header "+name, value)
			}
		}
		h.Text(where, reply.Body)
	}
}

func clip(text string, n int) string { return strings.ToValidUTF8(text[:min(len(text), n)], "") }

// Processes searches the argument lists of everything that runs now.
func (h *Hunt) Processes(ctx context.Context) error {
	list, err := h.boot.sandbox.Processes(ctx)
	if err != nil {
		return err
	}
	for _, p := range list {
		h.arguments(strings.Join(p.Args, " "))
	}
	return nil
}

func (h *Hunt) arguments(line string) {
	if !h.args[line] {
		h.args[line] = true
		h.searched.Arguments++
		h.Text("the argument list of a process", line)
	}
}

// Everything searches what was written to standard output and error, to
// syslog, by mail and to files until now, and the programs that a traced
// process executed. Call it once, when all is over.
func (h *Hunt) Everything(ctx context.Context) error {
	h.boot.mu.Lock()
	processes := slices.Clone(h.boot.processes)
	h.boot.mu.Unlock()
	for _, p := range processes {
		h.output(p)
	}
	h.syslog()
	for _, attached := range h.boot.OfType(manifest.SMTP) {
		h.mails(attached.Mail)
	}
	return h.files(ctx)
}

func (h *Hunt) syslog() {
	for _, frame := range h.boot.Syslog.Frames() {
		h.searched.Frames++
		h.Text("syslog", string(frame.Raw))
		if frame.Truncated {
			h.miss("a frame of syslog of more than 64 KiB")
		}
	}
	h.lost(h.boot.Syslog.Unrecorded(), "frames of syslog")
}

func (h *Hunt) mails(sink *mailsink.Sink) {
	for _, message := range sink.Messages() {
		h.searched.Mails++
		h.Text("mail", string(message.Data))
		h.Text("mail", message.Text())
		if message.Truncated {
			h.miss("a mail of more than 1 MiB")
		}
	}
	h.lost(sink.Stats().Unrecorded, "mails")
}

// lost notes what a record had no room for.
func (h *Hunt) lost(n int, what string) {
	if n > 0 {
		h.miss(fmt.Sprintf("%d %s that were too many to keep", n, what))
	}
}

// output searches each stream as one text: a line that is longer than the
// capture's bound was cut in pieces.
func (h *Hunt) output(p *Process) {
	streams := map[string]*strings.Builder{"stdout": {}, "stderr": {}}
	for _, line := range p.Output.Lines() {
		h.searched.Lines++
		text := streams[line.Stream]
		text.WriteString(line.Text)
		if len(line.Text) < maxLine {
			text.WriteByte('\n')
		}
	}
	h.Text("standard output", streams["stdout"].String())
	h.Text("standard error", streams["stderr"].String())
	h.lost(p.Output.Dropped(), "lines of output")
	if p.Trace == nil {
		return
	}
	for _, line := range p.Trace.Lines() {
		if strings.Contains(line.Text, "execve(") {
			h.arguments(line.Text)
		}
	}
	h.lost(p.Trace.Dropped(), "lines of the trace")
}

func (h *Hunt) files(ctx context.Context) error {
	raw := make([]string, len(h.needles))
	for i, n := range h.needles {
		raw[i] = n.Text
	}
	written, err := h.boot.Written(ctx, raw...)
	if err != nil {
		return err
	}
	for _, file := range written {
		if file.Kind == "dir" {
			continue
		}
		if file.Kind == "rest" {
			h.miss(file.Path)
			continue
		}
		h.searched.Files++
		for _, hit := range file.Hits {
			h.note(h.needles[hit], "the file "+clip(h.Redact(file.Path), 100), "")
		}
		h.Text("the name of a file", file.Path)
		if file.Partial {
			h.miss("the file " + clip(h.Redact(file.Path), 100))
		}
	}
	return nil
}

func (h *Hunt) miss(what string) {
	if len(h.searched.Missed) < maxMissed {
		h.searched.Missed = append(h.searched.Missed, what)
	}
}

// Leaks returns what was found so far, each secret once for each place and
// form, and what was searched.
func (h *Hunt) Leaks() ([]Leak, Searched) { return h.leaks, h.searched }
