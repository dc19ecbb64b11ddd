package statusroute

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
)

// wrong lists tokens that are not the token, by what is wrong with them.
func wrong(token string, r bench.Random) [][2]string {
	n := len(token)
	change := func(i int) string {
		other := byte('a')
		if token[i] == other {
			other = 'b'
		}
		return token[:i] + string(other) + token[i+1:]
	}
	swap := token[:1] + token[2:3] + token[1:2] + token[3:]
	if swap == token {
		swap = change(2)
	}
	return [][2]string{
		{"its first half", token[:n/2]},
		{"all but its last character", token[:n-1]},
		{"its first character changed", change(0)},
		{"its middle character changed", change(n / 2)},
		{"its last character changed", change(n - 1)},
		{"two characters swapped", swap},
		{"one character added", token + r.Word(1)},
		{"one character put before", r.Word(1) + token},
		{"in upper case", strings.ToUpper(token)},
		{"a random one", r.Secret()},
	}
}

// attempts asks without the right token in every way.
func (o *Observations) attempts(ctx context.Context, a *asker) {
	t := newTelling(a.boot, o.Services)
	absent := a.client.Do(ctx, bench.Request{Method: http.MethodGet, Target: "/" + a.boot.Random.Word(12), Within: pollLimit})
	o.Absent = t.attempt("a path that does not exist", absent, nil)
	try := func(name string, request bench.Request) Attempt {
		request.Within = pollLimit
		return t.attempt(name, a.client.Do(ctx, request), o.Absent.Holds)
	}
	o.Attempts = append(o.Attempts, try("no token", a.boot.StatusRequest("")), try("an empty token", emptyToken(a.boot)))
	for _, w := range wrong(a.boot.Values.Token, a.boot.Random) {
		if w[1] != a.boot.Values.Token { // a token of digits has no upper case
			o.Attempts = append(o.Attempts, try(w[0], a.boot.StatusRequest(w[1])))
		}
	}
	for _, method := range []string{http.MethodHead, http.MethodPost} {
		request := a.boot.StatusRequest("")
		request.Method = method
		o.Attempts = append(o.Attempts, aside(try("no token, by "+method, request)))
	}
	request := a.boot.StatusRequest("")
	request.Target = strings.TrimSuffix(request.Target, "/") + "/"
	o.Attempts = append(o.Attempts, aside(try("no token, with a slash at the end", request)))
}

func aside(a Attempt) Attempt {
	a.Aside = true
	return a
}

// emptyToken is the header as it is declared, with nothing for the token.
func emptyToken(boot *bench.Boot) bench.Request {
	const mark = "\x01"
	request := boot.StatusRequest(mark)
	for name, value := range request.Header {
		request.Header[name] = strings.TrimSpace(strings.ReplaceAll(value, mark, ""))
	}
	return request
}

// unset starts the application without a token. It may refuse to start, which
// only its end shows: one that does not answer in time may be slow.
func unset(ctx context.Context, b *bench.Bench, services []Service) (*Unset, error) {
	boot, err := b.Boot(ctx, bench.Plan{Unset: []string{b.Manifest.Status.Token}})
	if err != nil {
		return nil, err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{})
	if err != nil && (process == nil || !errors.Is(err, bench.ErrNotStarted)) {
		return nil, err
	}
	u := &Unset{Started: err == nil, Ended: process.Ended()}
	if u.Ended {
		return u, nil
	}
	a, t := boot.Client(process), newTelling(boot, services)
	defer a.Close()
	absent := t.in(a.Do(ctx, bench.Request{Method: http.MethodGet, Target: "/" + boot.Random.Word(12), Within: pollLimit}).Body)
	for name, request := range map[string]bench.Request{"no token": boot.StatusRequest(""), "an empty token": emptyToken(boot)} {
		request.Within = 2 * time.Second
		reply := a.Do(ctx, request)
		if reply.Err == "" || u.Started { // one that may still be on its way to serve is asked for what it says already
			u.Attempts = append(u.Attempts, t.attempt(name+", where none is set", reply, absent))
		}
	}
	return u, nil
}
