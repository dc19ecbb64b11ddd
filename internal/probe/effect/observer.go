package effect

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe/start"
)

// Scene is one process that serves, and what to look for.
type Scene struct {
	Bench   *bench.Bench
	Boot    *bench.Boot
	Process *bench.Process
	Own     map[string]Value // that should show, by setting
	Other   map[string]Value // that must not
	Beside  bool             // the file holds the other values
	Watch   []string         // the settings to look at
	Sick    time.Duration    // how long it may answer nothing but errors; default 8 s
	Healthy bool             // do not look at one that answers nothing but errors
}

const (
	sessions    = 4 // of ordinary traffic while lines are counted
	quiet       = 150 * time.Millisecond
	arriveLimit = 6 * time.Second // for a mail or a frame after its cause
)

// scene is a Scene while it is looked at.
type scene struct {
	Scene
	client *bench.Client
	nonce  string // of the last session
	sights []Sight
	lines  int  // that came with the sessions
	frames int  // of syslog, likewise
	count  int  // of processes
	raised bool // an exception was induced
	mails  bool // mails were waited for
	framed bool // frames of syslog were waited for
}

// Look runs the declared traffic, induces the declared exception, and says of
// each setting what showed. An error means that the tool is at fault.
func Look(ctx context.Context, s Scene) ([]Sight, error) {
	l := &scene{Scene: s, client: s.Boot.Client(s.Process)}
	defer l.client.Close()
	l.traffic(ctx)
	processes, err := s.Boot.Sandbox().Processes(ctx)
	if err != nil {
		return nil, err
	}
	l.count = len(processes)
	if l.watches(manifest.EffectRecipients, manifest.EffectFacility, manifest.EffectService) {
		if err := l.raise(ctx); err != nil {
			return nil, err
		}
	}
	looks := map[manifest.Effect]func(context.Context, manifest.Setting, *Sight) error{
		manifest.EffectPort: l.port, manifest.EffectLevel: l.level, manifest.EffectToken: l.token,
		manifest.EffectRecipients: l.recipients, manifest.EffectFacility: l.facility,
		manifest.EffectService: l.service, manifest.EffectReply: l.reply, manifest.EffectNone: none,
		manifest.EffectWorkers: l.workers, manifest.EffectSession: l.session,
	}
	// Sessions need further processes, and workers are held up by what they
	// are measured with: both come when all else was seen.
	order := func(s manifest.Setting) int {
		return slices.Index([]manifest.Effect{manifest.EffectSession, manifest.EffectWorkers}, s.Effect)
	}
	settings := slices.DeleteFunc(s.Bench.Manifest.Config.Sorted(), func(setting manifest.Setting) bool {
		return !slices.Contains(s.Watch, setting.Name)
	})
	slices.SortStableFunc(settings, func(a, b manifest.Setting) int { return order(a) - order(b) })
	for _, setting := range settings {
		sight := Sight{Setting: setting.Name, Effect: string(setting.Effect), Value: s.Own[setting.Name].Say()}
		if err := looks[setting.Effect](ctx, setting, &sight); err != nil {
			return nil, fmt.Errorf("look at %s: %w", setting.Name, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l.sights = append(l.sights, sight)
	}
	return l.sights, nil
}

// watches reports whether a setting with one of the effects is looked at.
func (l *scene) watches(effects ...manifest.Effect) bool {
	return slices.ContainsFunc(l.Watch, func(name string) bool {
		return slices.Contains(effects, l.Bench.Manifest.Config.Settings[name].Effect)
	})
}

// traffic runs ordinary sessions and counts the lines that come of them.
func (l *scene) traffic(ctx context.Context) {
	lines, frames := l.written()
	for range sessions {
		l.nonce = l.Boot.Random.Nonce()
		l.client.Session(ctx, l.nonce)
	}
	settle, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	l.Process.Output.Quiet(settle, quiet)
	l.lines, l.frames = l.written()
	l.lines, l.frames = l.lines-lines, l.frames-frames
}

// written counts lines, and frames of syslog.
func (l *scene) written() (lines, frames int) {
	return len(l.Process.Output.Lines()) + l.Process.Output.Dropped(), len(l.Boot.Syslog.Frames())
}

// raise induces the declared exception.
func (l *scene) raise(ctx context.Context) error {
	step := l.Bench.Manifest.Faults.Exception
	if step == nil {
		return nil
	}
	client := l.Boot.Client(l.Process)
	defer client.Close()
	nonce := l.Boot.Random.Nonce()
	client.StepWith(ctx, *step, nonce, map[string]string{"X-Request-Id": nonce})
	l.raised = true
	return ctx.Err()
}

func none(_ context.Context, setting manifest.Setting, sight *Sight) error {
	sight.Opaque = "no effect is declared that can be seen; write reply: GET /path under config.settings." + setting.Name +
		", a request whose reply shows it"
	return nil
}

// port looks where processes of the application listen.
func (l *scene) port(ctx context.Context, setting manifest.Setting, sight *Sight) error {
	ports, err := start.Listening(ctx, l.Boot)
	if err != nil {
		return err
	}
	listens := func(v Value) bool {
		return slices.ContainsFunc(ports, func(p int) bool { return fmt.Sprint(p) == v.Text })
	}
	own, other := l.Own[setting.Name], l.Other[setting.Name]
	sight.Shown, sight.Other = listens(own), listens(other)
	sight.How = fmt.Sprintf("it listens on %s", list(ports, 5))
	return nil
}

// level only counts; two boots are compared.
func (l *scene) level(_ context.Context, setting manifest.Setting, sight *Sight) error {
	rank := 3 - max(0, slices.Index(setting.Levels, l.Own[setting.Name].Text))
	sight.Level = &Level{Rank: rank, Sessions: sessions, Lines: l.lines, Frames: l.frames}
	sight.How = fmt.Sprintf("%d sessions led to %d lines", sessions, l.lines)
	return nil
}

// reply looks for the texts in the declared reply.
func (l *scene) reply(ctx context.Context, setting manifest.Setting, sight *Sight) error {
	if setting.Reply == nil {
		return none(ctx, setting, sight)
	}
	replies := l.client.Step(ctx, *setting.Reply, l.nonce)
	own, other := l.Own[setting.Name], l.Other[setting.Name]
	for _, reply := range replies {
		sight.Shown = sight.Shown || holds(reply, own.Text)
		sight.Other = sight.Other || holds(reply, other.Text)
	}
	last := replies[len(replies)-1]
	sight.How = fmt.Sprintf("the reply to %s %s (%s) does not hold it", setting.Reply.Method, setting.Reply.Path, last.Outcome())
	if sight.Shown {
		sight.How = fmt.Sprintf("the reply to %s %s holds it", setting.Reply.Method, setting.Reply.Path)
	}
	return nil
}

// list writes numbers, at most n of them.
func list(numbers []int, n int) string {
	if len(numbers) == 0 {
		return "nothing"
	}
	var words []string
	for _, number := range numbers[:min(len(numbers), n)] {
		words = append(words, strconv.Itoa(number))
	}
	text := strings.Join(words, ", ")
	if len(numbers) > n {
		text += " and others"
	}
	return text
}
