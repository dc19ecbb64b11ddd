package bench

import (
	"context"
	"net/http"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/replay"
)

// Play sends one declared step, follows its redirects, and returns replies
// that can be compared with those of another run.
func (c *Client) Play(ctx context.Context, index int, step manifest.Step, nonce string) replay.Session {
	carried := step.Path + step.JSON
	for _, field := range step.Form {
		carried += field[1]
	}
	var list replay.Session
	for i, reply := range c.Step(ctx, step, nonce) {
		if i > 0 {
			carried = "" // a redirect carries nothing but its target
		}
		list = append(list, c.comparable(index, reply, strings.ReplaceAll(carried, "$nonce", nonce), nonce))
	}
	return list
}

// Look requests a path once more and returns a reply that can be compared.
func (c *Client) Look(ctx context.Context, p *Process, index int, request Request, nonce string) replay.Reply {
	return c.comparable(index, c.To(ctx, p, request), "", nonce)
}

func (c *Client) comparable(index int, reply Reply, sent, nonce string) replay.Reply {
	header := http.Response{Header: reply.Header}
	var cookies []string
	for _, cookie := range header.Cookies() {
		cookies = append(cookies, cookie.Name)
	}
	return replay.Normalise(replay.Raw{
		Step: index, Method: reply.Method, Target: reply.Target, Sent: sent, Status: reply.Status, Err: reply.Err,
		Location: reply.Header.Get("Location"), Cookies: cookies, Type: reply.Header.Get("Content-Type"), Body: reply.Body,
	}, nonce, c.boot.settingNames())
}

// PlaySession runs the whole declared traffic once.
func (c *Client) PlaySession(ctx context.Context, nonce string) replay.Session {
	var list replay.Session
	for i, step := range c.boot.bench.Manifest.Traffic {
		list = append(list, c.Play(ctx, i, step, nonce)...)
	}
	return list
}

// settingNames are the values that no record may hold, by value.
func (b *Boot) settingNames() replay.Names {
	names := replay.Names{}
	for name, value := range b.Values.Set {
		names[value] = name
	}
	for name, attached := range b.Services {
		for what, value := range map[string]string{"password": attached.Password, "host": attached.Host, "user": attached.User} {
			names[value] = name + "." + what
		}
	}
	return names
}
