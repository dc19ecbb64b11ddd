package bench

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/replay"
)

// Play runs the declared traffic once and returns replies that can be compared
// with those of another run. At gives the process for each request, redirects
// too, counted from 0; the processes may be of different boots of the same
// values. Each request goes over a fresh connection. In the end the last page
// is looked at so many times more.
func (b *Bench) Play(ctx context.Context, nonce string, looks int, at func(request int) (*Process, error)) (replay.Session, error) {
	var player *Client
	last := b.Landing()
	var session replay.Session
	send := func(index int, request func(*Client) Request, carried string) (Reply, error) {
		p, err := at(len(session))
		if err != nil {
			return Reply{}, err
		}
		if player == nil {
			player = p.boot.Client(p)
		} else {
			player = player.Moved(p)
		}
		defer player.Close()
		reply := player.Do(ctx, request(player))
		session = append(session, player.comparable(index, reply, carried, nonce))
		if reply.Method == http.MethodGet {
			last = reply.Target
		}
		return reply, nil
	}
	for i, step := range b.Manifest.Traffic {
		reply, err := send(i, func(c *Client) Request { return c.request(step, nonce) }, carries(step, nonce))
		for follow := 0; err == nil && follow < 5; follow++ {
			target, ok := redirect(reply)
			if !ok {
				break
			}
			reply, err = send(i, func(*Client) Request { return Request{Method: http.MethodGet, Target: target} }, "")
		}
		if err != nil {
			return session, err
		}
		player.forms = formsOf(reply)
	}
	for range looks {
		if _, err := send(len(b.Manifest.Traffic), func(*Client) Request { return Request{Method: http.MethodGet, Target: last} }, ""); err != nil {
			return session, err
		}
	}
	return session, nil
}

// carries is what a step sends besides its path.
func carries(step manifest.Step, nonce string) string {
	texts := []string{step.JSON}
	for _, field := range step.Form {
		texts = append(texts, field[1])
	}
	return strings.ReplaceAll(strings.Join(texts, " "), "$nonce", nonce)
}

// redirect gives where a browser would go next.
func redirect(reply Reply) (string, bool) {
	location := reply.Header.Get("Location")
	if reply.Status < 300 || reply.Status > 399 || location == "" {
		return "", false
	}
	at, err := url.Parse(reply.Target)
	if err != nil {
		return "", false
	}
	next, err := at.Parse(location)
	if err != nil || next.Host != "" && !strings.HasPrefix(next.Host, "127.0.0.1") {
		return "", false
	}
	return next.RequestURI(), true
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
