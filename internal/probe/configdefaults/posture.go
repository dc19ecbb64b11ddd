package configdefaults

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/probe/effect"
	"github.com/roadworthy-dev/roadworthy/internal/probe/start"
	"github.com/roadworthy-dev/roadworthy/internal/trace"
)

const (
	mostTelling = 10
	mostDebug   = 3
	shortest    = 6 // characters of a value that does not appear by chance
)

// gallery is the boot whose errors are looked at.
type gallery struct {
	bench   *bench.Bench
	boot    *bench.Boot
	process *bench.Process
	client  *bench.Client
	seen    *Posture
}

// posture provokes errors in a boot on defaults and looks at what they tell.
func posture(ctx context.Context, b *bench.Bench, r *probe.Recorder, o *Observations) error {
	if b.Manifest.Faults.Exception == nil {
		r.Opaque("config.defaults.posture", "no way to raise an exception is declared",
			"add faults: {exception: GET /path} to roadworthy.yaml, a route that raises one")
		return nil
	}
	plan := bench.Plan{}
	for _, setting := range b.Manifest.Config.WithEffect(manifest.EffectLevel) {
		plan.Unset = append(plan.Unset, setting.Name)
	}
	if last := len(o.Tries) - 1; last >= 0 && o.Tries[last].Outcome.Served {
		o.Posture.Given = slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.Tries[last].Given, named(b.Manifest, *b.Manifest.Faults.Exception)))))
		plan = bench.Plan{Only: o.Posture.Given}
	}
	boot, err := b.Boot(ctx, plan)
	if err != nil {
		return err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{})
	if err != nil {
		return err
	}
	g := &gallery{bench: b, boot: boot, process: process, client: boot.Client(process), seen: &o.Posture}
	defer g.client.Close()
	if err := g.levels(ctx); err != nil {
		return err
	}
	g.provoke(ctx)
	g.records()
	return ctx.Err()
}

// named are the settings without which a step would be another request, such
// as the token that opens the route of the exception.
func named(m *manifest.Manifest, step manifest.Step) []string {
	names := manifest.References(step.Path + " " + step.JSON)
	for _, value := range step.Headers {
		names = append(names, manifest.References(value)...)
	}
	for _, field := range step.Form {
		names = append(names, manifest.References(field[1])...)
	}
	return slices.DeleteFunc(names, func(name string) bool { _, declared := m.Config.Settings[name]; return !declared })
}

// levels counts the lines of ordinary sessions by default, under DEBUG and
// under INFO.
func (g *gallery) levels(ctx context.Context) error {
	settings := g.bench.Manifest.Config.WithEffect(manifest.EffectLevel)
	if len(settings) == 0 || slices.Contains(g.seen.Given, settings[0].Name) {
		return nil
	}
	level := settings[0]
	look := func(process *bench.Process) (*effect.Sight, error) {
		scene := effect.Scene{Bench: g.bench, Boot: g.boot, Process: process, Watch: []string{level.Name}}
		sights, err := effect.Look(ctx, scene)
		if err != nil {
			return nil, err
		}
		return &sights[0], nil
	}
	var err error
	if g.seen.ByDefault, err = look(g.process); err != nil {
		return err
	}
	into := []**effect.Sight{&g.seen.AtDebug, &g.seen.AtInfo}
	for i, name := range []string{"DEBUG", "INFO"} {
		process, err := g.boot.LaunchChanged(ctx, map[string]string{level.Name: effect.Render(level, level.LevelName(name))}, nil)
		if err != nil {
			return err
		}
		outcome, err := start.Watch{Limit: g.bench.Manifest.Boot, Sick: ill, Grace: time.Hour}.On(ctx, g.bench, g.boot, process)
		if err != nil || !outcome.Served {
			return err // a second process that does not serve tells nothing
		}
		if *into[i], err = look(process); err != nil {
			return err
		}
		if err := process.Kill(ctx); err != nil {
			return err
		}
	}
	g.seen.Levelled = true
	return nil
}

// provoke sends what leads to errors: the declared exception as three kinds of
// client would, paths that do not exist, and malformed requests.
func (g *gallery) provoke(ctx context.Context) {
	nonce := g.boot.Random.Nonce()
	g.client.Session(ctx, nonce)
	exception := *g.bench.Manifest.Faults.Exception
	for _, accept := range []string{"*/*", "text/html,application/xhtml+xml", "application/json"} {
		replies := g.client.StepWith(ctx, exception, g.boot.Random.Nonce(), map[string]string{"Accept": accept})
		g.seen.Errors = append(g.seen.Errors, replies[0].Status)
		for _, reply := range replies {
			g.look(fmt.Sprintf("%s %s with Accept: %s", exception.Method, exception.Path, accept), reply.Status, text(reply))
		}
	}
	for _, end := range []string{"", ".php", "/?" + g.boot.Random.Word(6) + "[]=%ff"} {
		reply := g.client.Get(ctx, "/"+g.boot.Random.Nonce()+end)
		g.look("GET of an unknown path", reply.Status, text(reply))
	}
	for _, m := range g.malformed() {
		status, reply := raw(ctx, g.boot, g.process.Port, m.bytes)
		g.look(m.name, status, reply)
	}
}

// text joins headers and body of a reply.
func text(reply bench.Reply) string {
	var b strings.Builder
	_ = reply.Header.Write(&b) // a builder does not fail
	return b.String() + "\n" + reply.Body
}

type malformed struct {
	name  string
	bytes string
}

// malformed lists requests that are whole, so that nobody waits for the rest,
// and wrong.
func (g *gallery) malformed() []malformed {
	const end = "Connection: close\r\n\r\n"
	landing := g.bench.Landing()
	list := []malformed{
		{"GET with broken escapes", "GET /%zz%ff?%zz=%ff HTTP/1.1\r\nHost: localhost\r\n" + end},
		{"GET with a foreign host", "GET " + landing + " HTTP/1.1\r\nHost: " + g.boot.Random.Word(9) + ".example\r\n" + end},
		{"an unknown method", strings.ToUpper(g.boot.Random.Word(5)) + " " + landing + " HTTP/1.1\r\nHost: localhost\r\n" + end},
		{"a header without a colon", "GET " + landing + " HTTP/1.1\r\nHost: localhost\r\nno colon\r\n" + end},
		{"an unknown version of HTTP", "GET " + landing + " HTTP/9.9\r\nHost: localhost\r\n" + end},
	}
	if cookies := g.client.Cookies(); cookies != "" {
		name, _, _ := strings.Cut(cookies, "=")
		list = append(list, malformed{"a broken cookie", "GET " + landing + " HTTP/1.1\r\nHost: localhost\r\nCookie: " + name + "=%ff.\xfe\xff.e30\r\n" + end})
	}
	for _, step := range g.bench.Manifest.Traffic {
		if step.Method == http.MethodGet || len(list) > 12 {
			continue
		}
		for _, body := range [][2]string{{"application/json", "{\"a\": [\xff"}, {"application/x-www-form-urlencoded", "%zz=%&=\xff"}} {
			head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n",
				step.Method, g.boot.Expand(step.Path, g.boot.Random.Nonce()), body[0], len(body[1]))
			list = append(list, malformed{step.Method + " of broken " + body[0], head + end + body[1]})
		}
	}
	return list
}

// look keeps a reply that tells too much.
func (g *gallery) look(request string, status int, reply string) {
	g.seen.Replies++
	t := Telling{Request: request, Status: status}
	for _, found := range trace.FindAnywhere(reply) {
		t.Frames += len(found.Frames)
	}
	for _, setting := range g.bench.Manifest.Config.Sorted() {
		if g.secretive(setting) && g.holdsValue(setting, reply) {
			t.Values = append(t.Values, setting.Name)
		}
		if regexp.MustCompile(`\b` + regexp.QuoteMeta(setting.Name) + `\b`).MatchString(reply) {
			t.Names = append(t.Names, setting.Name)
		}
	}
	if (t.Frames > 0 || len(t.Values) > 0 || len(t.Names) > 2) && len(g.seen.Telling) < mostTelling {
		g.seen.Telling = append(g.seen.Telling, t)
	}
}

// secretive reports whether the value of a setting has no place in a reply,
// and is known to the application.
func (g *gallery) secretive(setting manifest.Setting) bool {
	switch setting.Effect {
	case manifest.EffectReply, manifest.EffectPort, manifest.EffectLevel, manifest.EffectWorkers, manifest.EffectFacility:
		return false
	}
	return g.seen.Given == nil || slices.Contains(g.seen.Given, setting.Name)
}

func (g *gallery) holdsValue(setting manifest.Setting, reply string) bool {
	values := []string{g.boot.Values.Set[setting.Name]}
	if service := g.boot.Service(setting); setting.Effect == manifest.EffectService && service != nil {
		values = append(values, service.Password, service.Host)
	}
	return slices.ContainsFunc(values, func(value string) bool {
		return len(value) >= shortest && strings.Contains(reply, value)
	})
}

// debugRecord matches the head of a record at DEBUG or below, as the common
// loggers write it.
var debugRecord = regexp.MustCompile(`\b(?:DEBUG|DBG|TRACE|FINER|FINEST|VERBOSE|SILLY)\b` +
	`|(?i:"?\b(?:level|lvl|levelname|severity)"?\s*[=:]\s*"?(?:debug|trace)\b)` +
	`|^\W{0,2}(?i:debug|trace)\W{0,2}(?::|\s)|"level":\s*[12]0\b`)

// notDebug matches lines that say that debugging is off.
var notDebug = regexp.MustCompile(`(?i)\bdebug(?:ging)?(?: mode)?\W{1,3}(?:off|false|no|none|0|disabled)\b`)

// records looks for records at DEBUG among all that it wrote.
func (g *gallery) records() {
	redact := g.boot.Hunt(g.boot.Canaries()...)
	for _, line := range g.process.Output.Lines() {
		g.seen.Lines++
		head := line.Text[:min(len(line.Text), 120)]
		if debugRecord.MatchString(head) && !notDebug.MatchString(line.Text) && len(g.seen.Debug) < mostDebug {
			text := redact.Redact(line.Text)
			g.seen.Debug = append(g.seen.Debug, strings.ToValidUTF8(text[:min(len(text), 200)], ""))
		}
	}
}
