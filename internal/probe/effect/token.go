package effect

import (
	"context"
	"fmt"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// token asks the status route with each token, and with one that nobody gave.
func (l *scene) token(ctx context.Context, setting manifest.Setting, sight *Sight) error {
	status := l.Bench.Manifest.Status
	if status == nil || status.Token != setting.Name {
		sight.Opaque = "no status route that asks for it is declared; write status: {path: /status, token: " + setting.Name + "}"
		return nil
	}
	own := l.client.Settled(ctx, l.Boot.StatusRequest(l.Own[setting.Name].Text))
	other := l.client.Do(ctx, l.Boot.StatusRequest(l.Other[setting.Name].Text))
	wrong := l.client.Do(ctx, l.Boot.StatusRequest(l.Boot.Random.Secret()))
	sight.Shown = own.OK() && !wrong.OK()
	sight.Other = other.OK() && !wrong.OK()
	sight.How = fmt.Sprintf("the status route answers its token with %s and a random one with %s", own.Outcome(), wrong.Outcome())
	return nil
}

// holds reports whether a reply holds a text, in body or headers.
func holds(reply bench.Reply, text string) bool {
	if text == "" {
		return false
	}
	if strings.Contains(reply.Body, text) {
		return true
	}
	for _, values := range reply.Header {
		if strings.Contains(strings.Join(values, "\n"), text) {
			return true
		}
	}
	return false
}
