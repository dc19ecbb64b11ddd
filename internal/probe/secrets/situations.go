package secrets

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/fault"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

const (
	stopWait     = 10 * time.Second // until it has ended
	cutWait      = 8 * time.Second  // for a session without its services
	unusableWait = 2 * time.Second  // until a start with unusable settings has failed or answers; at least
	maxPatience  = 20 * time.Second // at most
	requestWait  = 5 * time.Second
	mailWait     = 2 * time.Second
	maxRaw       = 64 << 10 // bytes of the reply to a malformed request
)

func (h *hunter) note(replies ...bench.Reply) {
	h.hunt.Reply(replies...)
	for _, reply := range replies {
		if reply.Status > 0 && reply.Status < 500 {
			h.Answered++
		}
	}
}

func (h *hunter) situation(name string) { h.Situations = append(h.Situations, name) }

// ordinary is a session, a path that does not exist, the status route with and
// without its token, and an exception while the request carries the token.
func (h *hunter) ordinary(ctx context.Context) {
	h.situation("a session at level DEBUG")
	h.note(h.client.Session(ctx, h.boot.Random.Nonce())...)
	h.note(h.client.Get(ctx, "/"+h.boot.Random.Word(9)))
	header := h.status(ctx)
	step := h.bench.Manifest.Faults.Exception
	if step == nil {
		return
	}
	h.situation("an exception")
	h.note(h.client.StepWith(ctx, *step, h.boot.Random.Nonce(), header)...)
	for _, a := range h.boot.OfType(manifest.SMTP) {
		wait, cancel := context.WithTimeout(ctx, mailWait)
		for a.Mail.Connections() < 2 && wait.Err() == nil { // one was the control
			pause(wait, 20*time.Millisecond)
		}
		cancel()
	}
}

// status asks the status route, and returns the header with the token.
func (h *hunter) status(ctx context.Context) map[string]string {
	if h.bench.Manifest.Status == nil {
		return nil
	}
	header := h.boot.StatusRequest(h.boot.Values.Token).Header
	for _, token := range []string{h.boot.Values.Token, h.boot.Random.Secret(), ""} {
		request := h.boot.StatusRequest(token)
		request.Within = requestWait
		h.note(h.client.Do(ctx, request))
	}
	return header
}

// malformed sends what no parser likes: each can end on an error page.
func (h *hunter) malformed(ctx context.Context) {
	h.situation("malformed requests")
	for _, text := range []string{
		"GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\nConnection: close\r\n\r\n",
		"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\nCookie: \xff=\x01; session=.\r\nConnection: close\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
	} {
		h.raw(ctx, text)
	}
	for _, step := range h.bench.Manifest.Traffic {
		if step.Method == http.MethodGet {
			continue
		}
		for _, request := range []bench.Request{
			{Type: "application/json", Body: []byte(`{"a": [`)},
			{Type: "multipart/form-data; boundary=x", Body: []byte("--y\r\n")},
			{Type: "application/x-www-form-urlencoded", Body: []byte("%zz=%\xff&=&;")},
		} {
			request.Method, request.Target, request.Within = step.Method, h.boot.Expand(step.Path, "0"), requestWait
			h.note(h.client.Do(ctx, request))
		}
		return
	}
}

// raw sends bytes and searches what comes back.
func (h *hunter) raw(ctx context.Context, text string) {
	conn, err := h.boot.Dial(ctx, strconv.Itoa(h.process.Port))
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(conn, h.boot.AsForwarded(text))
	reply, _ := io.ReadAll(io.LimitReader(conn, maxRaw)) // what came until the deadline
	h.hunt.Text("the reply to a malformed request", string(reply))
}

// without runs the session while no service is there, and while none has a name.
func (h *hunter) without(ctx context.Context) error {
	for _, nameless := range []bool{false, true} {
		cut := false
		for _, a := range h.boot.Services {
			if a.Proxy == nil {
				continue
			}
			cut = true
			a.Resolve(!nameless)
			if err := a.Proxy.Set(fault.Refuse); err != nil {
				return err
			}
		}
		if !cut {
			return nil
		}
		wait, cancel := context.WithTimeout(ctx, cutWait)
		h.note(h.client.Session(wait, h.boot.Random.Nonce())...)
		h.status(wait)
		cancel()
	}
	h.situation("a session without its services")
	for _, a := range h.boot.Services {
		if a.Proxy == nil {
			continue
		}
		a.Resolve(true)
		if err := a.Proxy.Set(fault.Pass); err != nil {
			return err
		}
	}
	return nil
}

// unusable starts it with settings that it cannot use: what it says of them
// must not quote a secret that stands in them, or beside them.
func (h *hunter) unusable(ctx context.Context) error {
	variants := h.variants()
	for _, name := range slices.Sorted(maps.Keys(variants)) {
		h.situation("a start with " + name)
		p, err := h.boot.Launch(ctx, bench.Launch{Env: variants[name], NoWait: true})
		if err != nil {
			return err
		}
		if err := h.arguments(ctx, p); err != nil {
			return err
		}
		h.attempt(ctx, p)
		if err := p.Kill(ctx); err != nil && !p.Ended() {
			return err
		}
	}
	return ctx.Err()
}

// variants are the settings of the starts, by what is unusable in them.
func (h *hunter) variants() map[string]map[string]string {
	list := map[string]map[string]string{}
	add := func(name, setting, value string) {
		if list[name] == nil {
			list[name] = map[string]string{}
		}
		list[name][setting] = value
	}
	for _, s := range h.bench.Manifest.Config.Sorted() {
		value := h.boot.Values.Set[s.Name]
		if s.Effect != manifest.EffectService {
			if s.Invalid != "" && !s.Secret && len(list["invalid settings"]) == 0 {
				add("invalid settings", s.Name, s.Invalid)
			}
			continue
		}
		a := h.boot.Services[s.Service]
		if a.Password == "" {
			continue
		}
		elsewhere := *a
		elsewhere.Host = h.boot.Random.Word(8) + ".invalid"
		if other := elsewhere.Render(s.Value); other != value {
			add("a host that does not exist", s.Name, other)
		}
		if port := ":" + strconv.Itoa(a.Port); strings.Contains(value, port) {
			add("a port that is no number", s.Name, strings.Replace(value, port, ":not-a-port", 1))
		}
		if before, after, ok := strings.Cut(value, "://"); ok && strings.Contains(after, a.Password) {
			add("an address that cannot be read", s.Name, before+"//"+after)
		}
	}
	return list
}

// attempt waits until it has ended or answers, and then asks it something.
func (h *hunter) attempt(ctx context.Context, p *bench.Process) {
	client := h.boot.Client(p)
	defer client.Close()
	for end := time.Now().Add(h.patience); time.Now().Before(end) && !p.Ended() && ctx.Err() == nil; {
		reply := client.Do(ctx, bench.Request{Method: http.MethodGet, Target: h.bench.Landing(), Within: requestWait})
		if h.hunt.Reply(reply); reply.Status > 0 {
			if h.bench.Manifest.Status != nil {
				request := h.boot.StatusRequest(h.boot.Values.Token)
				request.Within = requestWait
				h.hunt.Reply(client.Do(ctx, request))
			}
			return
		}
		pause(ctx, 50*time.Millisecond)
	}
}
