package effect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/mailsink"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

const noException = "no exception is declared; write faults: {exception: GET /path}, a route that raises one"

// recipients looks to whom the mail of the exception went.
func (l *scene) recipients(ctx context.Context, setting manifest.Setting, sight *Sight) error {
	sinks := l.Boot.OfType(manifest.SMTP)
	switch {
	case !l.raised:
		sight.Opaque = noException
		return nil
	case len(sinks) == 0:
		sight.Opaque = "no mail server is declared; write SMTP_URL: {} under config.settings"
		return nil
	}
	own, other := addresses(l.Own[setting.Name].Text), addresses(l.Other[setting.Name].Text)
	got, err := l.mailed(ctx, sinks[0], own)
	if err != nil {
		return err
	}
	has := func(address string) bool { return slices.Contains(got, address) }
	sight.Shown = len(own) > 0 && !slices.ContainsFunc(own, func(a string) bool { return !has(a) })
	sight.Other = slices.ContainsFunc(other, func(a string) bool { return has(a) && !slices.Contains(own, a) })
	sight.How = "an exception led to no mail"
	if len(got) > 0 {
		sight.How = "the mail of an exception went to " + strings.Join(got[:min(len(got), 5)], ", ")
	}
	return nil
}

// mailed waits until every expected recipient has a mail, and a moment longer,
// and lists who got one. Before it takes silence for an answer it shows that
// the mail server works.
func (l *scene) mailed(ctx context.Context, sink *bench.Attached, expected []string) ([]string, error) {
	wait, cancel := context.WithTimeout(ctx, patience(&l.mails, arriveLimit))
	defer cancel()
	complete := sink.Mail.Wait(wait, func(all []mailsink.Message) bool {
		got := recipientsOf(all)
		return !slices.ContainsFunc(expected, func(a string) bool { return !slices.Contains(got, a) })
	})
	if complete { // others may get theirs in a mail of their own
		moment, cancel := context.WithTimeout(ctx, quiet)
		defer cancel()
		sink.Mail.Wait(moment, func([]mailsink.Message) bool { return false })
	}
	got := recipientsOf(sink.Mail.Messages())
	if len(got) == 0 {
		if err := l.control(ctx, sink); err != nil {
			return nil, err
		}
	}
	return got, ctx.Err()
}

// patience is how long to wait for something: the limit, or only a moment where
// it was waited for before.
func patience(waited *bool, limit time.Duration) time.Duration {
	if *waited {
		return quiet
	}
	*waited = true
	return limit
}

// control shows that a service can be reached where it was said to be.
func (l *scene) control(ctx context.Context, a *bench.Attached) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := a.Control(ctx); err != nil {
		return fmt.Errorf("the bench's own %s does not answer: %w", a.Service.Name, err)
	}
	return nil
}

func recipientsOf(messages []mailsink.Message) []string {
	var got []string
	for _, message := range messages {
		for _, to := range message.To {
			if to = strings.ToLower(strings.Trim(to, "<> ")); !slices.Contains(got, to) {
				got = append(got, to)
			}
		}
	}
	return got
}

// addresses splits a list of mail addresses.
func addresses(text string) []string {
	parts := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(",; \t", r) })
	return slices.DeleteFunc(parts, func(part string) bool { return !strings.Contains(part, "@") })
}
