package bench

import (
	"context"
	"net/http"
	"time"
)

const (
	settleLimit = 10 * time.Second
	settlePause = 100 * time.Millisecond
)

// Revisit asks for a page of the session again, with the headers of its step;
// one that only a redirect led to has none.
func (c *Client) Revisit(ctx context.Context, target, nonce string) Reply {
	request := Request{Method: http.MethodGet, Target: target}
	for _, step := range c.boot.bench.Manifest.Traffic {
		if declared := c.request(step, nonce); declared.Method == http.MethodGet && declared.Target == target {
			request = declared
		}
	}
	return c.Do(ctx, request)
}

// Settled sends a request until the reply is no longer that of a server in
// trouble, 500 or above, or 10 s are over, and returns the last reply. An
// application may serve, and answer its status route with 503, before it has
// heard of its services.
func (c *Client) Settled(ctx context.Context, request Request) Reply {
	for end := time.Now().Add(settleLimit); ; {
		reply := c.Do(ctx, request)
		if reply.Status < http.StatusInternalServerError || time.Now().After(end) {
			return reply
		}
		select {
		case <-ctx.Done():
			return reply
		case <-time.After(settlePause):
		}
	}
}
