package runner

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/mail"
)

// post is error mail that can be closed and opened again.
type post struct {
	config mail.Config
	now    atomic.Pointer[mail.Notifier]
}

// openPost opens error mail; where its state cannot be used, without it.
func openPost(config mail.Config) (*post, error) {
	n, err := mail.Open(config)
	if err != nil && config.Path != "" {
		config.Log.Warn("what was mailed before is not known: its state cannot be used", "error", err)
		config.Path = ""
		n, err = mail.Open(config)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what it was about
	}
	p := &post{config: config}
	p.now.Store(n)
	return p, nil
}

// hide adds texts that no mail may hold. Those of before are hidden on: what is
// pending may hold them. The caller sees to it that nobody resumes meanwhile.
func (p *post) hide(secrets []string) {
	p.config.Secrets = append(p.config.Secrets, secrets...)
	slices.Sort(p.config.Secrets)
	p.config.Secrets = slices.Compact(p.config.Secrets)
	p.now.Load().Hide(p.config.Secrets)
}

// pause saves the state, at once: what is pending stays so.
func (p *post) pause() error {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	return p.now.Load().Close(now) //nolint:wrapcheck // it says what it was about
}

// resume opens it again.
func (p *post) resume() error {
	n, err := mail.Open(p.config)
	if err == nil {
		p.now.Store(n)
	}
	return err //nolint:wrapcheck // it says what it was about
}

// The methods of a notifier.

func (p *post) Report(e mail.Event)                    { p.now.Load().Report(e) }
func (p *post) Groups() []mail.Group                   { return p.now.Load().Groups() }
func (p *post) Stats() mail.Stats                      { return p.now.Load().Stats() }
func (p *post) Mute(kind string, until time.Time) bool { return p.now.Load().Mute(kind, until) }
func (p *post) Fixed(kind string) bool                 { return p.now.Load().Fixed(kind) }
func (p *post) Close(ctx context.Context) error        { return p.now.Load().Close(ctx) } //nolint:wrapcheck // a plain hand-through
