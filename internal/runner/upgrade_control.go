package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// upgradedWithin is how long a new program may take until it answers.
const upgradedWithin = 30 * time.Second

// answerUpgrade upgrades. The last that this program says is what takes over;
// where the exec fails even so, the problem follows.
func answerUpgrade(w http.ResponseWriter, r *http.Request, c *master) {
	told := false
	err := c.Upgrade(r.Context(), func(next TakeOver) {
		told = true
		_ = json.NewEncoder(w).Encode(next)
		_ = http.NewResponseController(w).Flush()
	})
	if !told || err == nil {
		answer(w, err)
		return
	}
	p, ok := problem.Of(err)
	if !ok {
		p = &problem.Problem{Code: "RW-R07", Summary: err.Error()}
	}
	_ = json.NewEncoder(w).Encode(p)
}

// Upgrade has a master replace its program, and returns what it then tells of
// itself.
func (c *Client) Upgrade(ctx context.Context) (Status, error) {
	before, err := c.Status(ctx)
	if err != nil {
		return before, err
	}
	body, err := c.Do(ctx, http.MethodPost, "/upgrade")
	if err != nil {
		return before, err
	}
	defer body.Close()
	answers := json.NewDecoder(body)
	var next TakeOver
	if err := answers.Decode(&next); err != nil {
		return before, fmt.Errorf("ask the master of %s: %w", c.App, err)
	}
	var p problem.Problem
	if answers.Decode(&p) == nil { // else the connection ended with the old program
		return before, &p
	}
	ctx, cancel := context.WithTimeout(ctx, upgradedWithin)
	defer cancel()
	for {
		now, err := c.Status(ctx)
		if err == nil && now.Upgrades > before.Upgrades {
			return now, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return before, refused("the new program does not answer", "", errors.Join(err, ctx.Err()).Error(), err)
		}
	}
}

// Status asks a master what runs.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	body, err := c.Do(ctx, http.MethodGet, "/status")
	if err != nil {
		return s, err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, 64<<20)).Decode(&s); err != nil {
		return s, fmt.Errorf("read the status of the master of %s: %w", c.App, err)
	}
	return s, nil
}
