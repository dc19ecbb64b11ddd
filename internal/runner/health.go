package runner

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

// healthWithin is how long one answer may take: half of the time in which a
// worker becomes ready, so that there is time for another where one is lost.
func (m *master) healthWithin() time.Duration {
	return max(5*time.Second, m.config().Settings.Times.Ready/2)
}

// answers reports whether a worker answers requests, whatever it answers. It
// does so before the worker gets any of a client.
func (m *master) answers(ctx context.Context, b worker.Backend) error {
	if m.config().Settings.Health == "off" {
		return worker.Dial(ctx, b)
	}
	ctx, cancel := context.WithTimeout(ctx, m.healthWithin())
	defer cancel()
	_, err := m.ask(ctx, b)
	return err
}

// healthy reports whether a worker answers with less than 500. A new
// generation that does not is not promoted.
func (m *master) healthy(ctx context.Context, b worker.Backend) error {
	if m.config().Settings.Health == "off" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, m.healthWithin())
	defer cancel()
	status, err := m.ask(ctx, b)
	if err == nil && status >= http.StatusInternalServerError {
		err = fmt.Errorf("GET %s: %d %s", m.healthPath(), status, http.StatusText(status))
	}
	return err
}

// ask gives the status that a worker answers with, before ctx ends.
func (m *master) ask(ctx context.Context, b worker.Backend) (status int, err error) {
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, b.Network, b.Address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+m.healthPath(), nil)
	if err != nil {
		return 0, fmt.Errorf("ask %s: %w", b.Worker, err)
	}
	request.Header.Set("User-Agent", "roadworthy")
	reply, err := client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("ask %s: %w", b.Worker, err)
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(reply.Body, 64<<10)) // so that the worker may end its answer
	return reply.StatusCode, nil
}

// healthPath is the page that tells whether a worker is healthy.
func (m *master) healthPath() string {
	if path := m.config().Settings.Health; path != "" {
		return path
	}
	for _, step := range m.config().Manifest.Traffic {
		if step.Method == http.MethodGet {
			return step.Path
		}
	}
	return "/"
}
