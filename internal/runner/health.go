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

// healthWithin is how long one answer may take: half of the time that is left,
// so that there is time for another where one is lost.
func healthWithin(ctx context.Context) (context.Context, context.CancelFunc) {
	const least = 5 * time.Second
	limit, bounded := ctx.Deadline()
	if !bounded {
		return context.WithTimeout(ctx, least)
	}
	return context.WithTimeout(ctx, max(least, time.Until(limit)/2))
}

// answers reports whether a worker answers requests, whatever it answers. It
// does so before the worker gets any of a client.
func answers(ctx context.Context, b worker.Backend) error {
	if b.Page == "" {
		return worker.Dial(ctx, b)
	}
	ctx, cancel := healthWithin(ctx)
	defer cancel()
	_, err := ask(ctx, b)
	return err
}

// healthy reports whether a worker answers with less than 500. A new
// generation that does not is not promoted.
func healthy(ctx context.Context, b worker.Backend) error {
	if b.Page == "" {
		return nil
	}
	ctx, cancel := healthWithin(ctx)
	defer cancel()
	status, err := ask(ctx, b)
	if err == nil && status >= http.StatusInternalServerError {
		err = fmt.Errorf("GET %s: %d %s", b.Page, status, http.StatusText(status))
	}
	return err
}

// ask gives the status that a worker answers with, before ctx ends.
func ask(ctx context.Context, b worker.Backend) (status int, err error) {
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, b.Network, b.Address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+b.Page, nil)
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

// healthPage is the page that tells whether a worker of this configuration is
// healthy; "" where none is asked.
func (c *Config) healthPage() string {
	switch path := c.Settings.Health; path {
	case "":
	case "off":
		return ""
	default:
		return path
	}
	for _, step := range c.Manifest.Traffic {
		if step.Method == http.MethodGet {
			return step.Path
		}
	}
	return "/"
}
