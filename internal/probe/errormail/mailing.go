package errormail

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/mailsink"
	"github.com/roadworthy-dev/roadworthy/internal/trace"
)

const (
	mailWithin = 10 * time.Second       // the pass rule's limit
	copies     = 500 * time.Millisecond // for a copy to somebody else
	otherReads = 4                      // ordinary requests before the exception
)

// second boots with a list of another length and another domain.
func (p plan) second(ctx context.Context) (Mailing, error) {
	random := p.b.NewRandom()
	domain := "@" + random.Word(7) + ".example"
	w, err := p.open(ctx, []string{random.Word(5) + domain, random.Word(6) + domain, random.Word(7) + domain})
	if err != nil {
		return Mailing{}, err
	}
	defer w.Close()
	return w.mailing(ctx)
}

// mailing induces one exception among ordinary requests and waits for its mail.
func (w *world) mailing(ctx context.Context) (Mailing, error) {
	m := Mailing{Recipients: w.recipients}
	client := w.Client(w.process)
	defer client.Close()
	for range otherReads {
		nonce := w.Random.Nonce()
		target := withQuery(w.b.Landing(), nonce)
		client.Do(ctx, bench.Request{Method: "GET", Target: target, Header: stamp(nonce)})
		w.ordinary[nonce] = target
	}
	nonce := w.Random.Nonce()
	w.failing, w.began = append(w.failing, nonce), time.Now()
	reply := w.raise(ctx, client, nonce)
	m.Target, m.Status = reply.Method+" "+reply.Target, reply.Status
	wait, cancel := context.WithTimeout(ctx, mailWithin)
	defer cancel()
	w.await(wait, w.reached)
	late, cancelLate := context.WithTimeout(ctx, copies)
	defer cancelLate()
	w.await(late, func([]mailsink.Message) bool { return false })
	m.Logged = w.logged()
	w.read(&m)
	return m, ctx.Err()
}

// reached reports whether every recipient has got a mail.
func (w *world) reached(messages []mailsink.Message) bool {
	for _, recipient := range w.recipients {
		if !slices.ContainsFunc(messages, func(m mailsink.Message) bool { return contains(m.To, recipient) }) {
			return false
		}
	}
	return true
}

// contains compares addresses without regard to case.
func contains(list []string, address string) bool {
	return slices.ContainsFunc(list, func(a string) bool { return strings.EqualFold(a, address) })
}

// logged returns the traces that the application wrote since the exception.
func (w *world) logged() []Trace {
	var text strings.Builder
	for _, line := range w.process.Output.Lines() {
		if !line.At.Before(w.began) {
			text.WriteString(line.Text + "\n")
		}
	}
	return tracesOf(trace.FindAnywhere(text.String()))
}
