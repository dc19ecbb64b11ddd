package bench

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench/fault"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Stall is a way to keep requests of the application unanswered for a while,
// and an ordinary request that could be answered meanwhile.
type Stall struct {
	Kind     StallKind     // how; StallNone where nothing takes long
	Slow     Request       //
	Ordinary Request       //
	Takes    time.Duration // the slow one, alone
	Status   int           // of the slow one, alone; 0 for StallUpload
	Size     int           // bytes of that reply's body
	Normal   int           // status of the ordinary one
	Usual    time.Duration // the ordinary one, alone: median of several
	service  string
	step     *manifest.Step // that Slow was made of; nil where it was not
	nonce    string
}

// StallKind says what makes a request slow.
type StallKind string

// The kinds of stall, the best first.
const (
	StallDeclared StallKind = "declared" // faults.slow
	StallService  StallKind = "service"  // a backing service that answers slowly
	StallUpload   StallKind = "upload"   // a body that arrives slowly
	StallNone     StallKind = ""
)

// uploadTakes is how long a body is on its way with StallUpload.
const uploadTakes = 1200 * time.Millisecond

// FindStall looks for the best way to keep a process busy. It counts only if
// the slow request takes five times as long as an ordinary one.
func (p *Process) FindStall(ctx context.Context) Stall {
	m := p.boot.bench.Manifest
	client := p.boot.Client(p)
	defer client.Close()
	landing := Request{Method: http.MethodGet, Target: p.boot.bench.Landing(), Fresh: true}
	usual := func(request Request) (median time.Duration, status int) {
		var took []time.Duration
		for range 5 {
			reply := client.Do(ctx, request)
			took, status = append(took, reply.Duration), reply.Status
		}
		slices.Sort(took)
		return took[len(took)/2], status
	}
	stall := Stall{Ordinary: landing}
	stall.Usual, stall.Normal = usual(landing)
	if m.Faults.Slow != nil {
		stall.step, stall.nonce = m.Faults.Slow, p.boot.Random.Nonce()
		stall.Slow = client.request(*stall.step, stall.nonce)
		stall.Slow.Fresh = true
		reply := client.Do(ctx, stall.Slow)
		stall.Takes, stall.Status, stall.Size = reply.Duration, reply.Status, len(reply.Body)
		if stall.worth() {
			stall.Kind = StallDeclared
		}
		return stall // what was declared is not replaced in silence
	}
	missing := Request{Method: http.MethodGet, Target: "/" + p.boot.Random.Word(12), Fresh: true}
	for _, name := range slices.Sorted(maps.Keys(p.boot.Services)) {
		attached := p.boot.Services[name]
		if attached.Proxy == nil || attached.Proxy.Set(fault.Slow) != nil {
			continue
		}
		reply := client.Do(ctx, landing)
		tried := Stall{Kind: StallService, Slow: landing, Ordinary: missing, service: name, Takes: reply.Duration, Status: reply.Status, Size: len(reply.Body)}
		tried.Usual, tried.Normal = usual(missing)
		_ = attached.Proxy.Set(fault.Pass)
		if tried.worth() {
			return tried
		}
	}
	return stall.upload(client)
}

// upload makes it the stall that every application has: a body that arrives
// slowly, of the first step that has one.
func (s Stall) upload(client *Client) Stall {
	s.Kind, s.Takes = StallUpload, uploadTakes
	s.Slow = Request{Method: http.MethodPost, Target: s.Ordinary.Target, Type: "application/x-www-form-urlencoded"}
	for _, step := range client.boot.bench.Manifest.Traffic {
		if step.Form != nil || step.JSON != "" {
			s.step, s.nonce = &step, client.boot.Random.Nonce()
			s.Slow = client.request(step, s.nonce)
			break
		}
	}
	s.Slow.Fresh = true
	s.Slow = padded(s.Slow)
	return s
}

// padded makes the body of an upload long enough to be sent in two parts.
func padded(request Request) Request {
	if pad := 64 - len(request.Body); pad > 0 && !strings.Contains(request.Type, "json") {
		request.Body = append(slices.Clone(request.Body), []byte("&pad="+strings.Repeat("x", pad))...)
	}
	return request
}

// slowFor returns the slow request with the values of the boot of p: a token
// of the boot in which the stall was found is worth nothing in another one.
func (s Stall) slowFor(p *Process) Request {
	if s.step == nil {
		return s.Slow
	}
	client := p.boot.Client(p)
	defer client.Close()
	request := client.request(*s.step, s.nonce)
	request.Fresh, request.Within = s.Slow.Fresh, s.Slow.Within
	if s.Kind == StallUpload {
		request = padded(request)
	}
	return request
}

// worth reports whether the slow request is slow enough to tell by.
func (s Stall) worth() bool { return s.Takes >= 5*s.Usual && s.Takes >= 300*time.Millisecond }

// Describe says how requests are held.
func (s Stall) Describe() string {
	switch s.Kind {
	case StallDeclared:
		return s.Slow.Describe() + ", declared as slow"
	case StallService:
		return s.Slow.Describe() + " while " + s.service + " answers slowly"
	case StallUpload:
		return s.Slow.Describe() + " with a body that takes its time"
	}
	return "nothing that takes long"
}

// Begin makes a boot slow where it takes a service for that; end undoes it.
func (s Stall) Begin(b *Boot) (end func()) {
	if s.Kind != StallService {
		return func() {}
	}
	_ = b.Services[s.service].Proxy.Set(fault.Slow)
	return func() { _ = b.Services[s.service].Proxy.Set(fault.Pass) }
}

// Held is a slow request on its way.
type Held struct {
	Process *Process
	Wire    *Wire     // nil where no connection could be made
	Sent    time.Time // when the request was with the application, as far as it goes for an upload
	Reply   Reply     // when Done is closed
	Done    chan struct{}
}

// Hold sends the slow request to a process over a connection of its own, and
// returns when it is written. The caller waits for Done; it comes at the
// latest 30 s after the request or when ctx ends.
func (s Stall) Hold(ctx context.Context, p *Process) *Held {
	h := &Held{Process: p, Done: make(chan struct{})}
	var err error
	if h.Wire, err = p.Wire(ctx); err != nil {
		h.Reply.Err = "not connected: " + plainWire(err)
		close(h.Done)
		return h
	}
	return s.hold(ctx, h)
}

// HoldOn is Hold on a connection that is open already.
func (s Stall) HoldOn(ctx context.Context, p *Process, w *Wire) *Held {
	return s.hold(ctx, &Held{Process: p, Wire: w, Done: make(chan struct{})})
}

func (s Stall) hold(ctx context.Context, h *Held) *Held {
	slow := h.Process.boot.forwarded(s.slowFor(h.Process), h.Process.Port)
	raw := slow.Encode(h.Process.Port, len(slow.Body))
	rest := 0
	if s.Kind == StallUpload {
		rest = len(slow.Body) / 2
	}
	err := h.Wire.Write(raw[:len(raw)-rest])
	h.Sent = time.Now()
	if rest == 0 && err == nil {
		h.Wire.Written = h.Sent
	}
	stop := context.AfterFunc(ctx, h.Wire.Close)
	h.Process.boot.serve(func() {
		defer close(h.Done)
		defer h.Wire.Close()
		defer stop()
		if rest > 0 && err == nil {
			select {
			case <-time.After(uploadTakes): // the body takes its time
			case <-ctx.Done():
			}
			if err = h.Wire.Write(raw[len(raw)-rest:]); err == nil {
				h.Wire.Written = time.Now()
			}
		}
		if err != nil {
			h.Reply.Err = "not written: " + plainWire(err)
		} else {
			h.Reply = h.Wire.Receive(slow.Method, time.Now().Add(30*time.Second))
		}
		h.Reply.Started, h.Reply.Duration = h.Sent, time.Since(h.Sent) // it was in flight, written whole or not
	})
	return h
}
