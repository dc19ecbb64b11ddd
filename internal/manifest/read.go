package manifest

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/document"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// reader makes a manifest of nodes that [report.check] has looked at. What has
// the wrong form is skipped here, since it is noted already.
type reader struct {
	*report
	m        *Manifest
	declared map[string]document.Place // services that stand in the file, right or wrong
	explicit map[string]bool           // settings that say their effect themselves
}

// The defaults.
const (
	defaultBoot   = 30 * time.Second
	defaultTest   = 10 * time.Minute
	defaultWithin = 10 * time.Second
	defaultPath   = "/status"
	defaultHeader = "Authorization: Bearer $token"
	defaultToken  = "STATUS_TOKEN"
)

// read fills the manifest. Services come before settings, which name them,
// and settings before the steps and the status route, which name settings.
func (r *reader) read(root *document.Node) {
	r.m = &Manifest{
		Path:      r.path,
		Name:      root.Get("name").String(),
		Boot:      r.duration(root.Get("boot"), "boot", defaultBoot),
		Build:     r.build(root.Get("build")),
		Test:      r.test(root.Get("test")),
		Release:   texts(root.Get("release")),
		Processes: map[string]Process{},
		Admin:     map[string]string{},
		System:    texts(root.Get("system")),
		Behind:    root.Get("behind").String(),
	}
	r.processes(root)
	r.run(root.Get("run"))
	r.services(root.Get("services"))
	r.config(root.Get("config"))
	r.status(root.Get("status"))
	r.replies(root.Get("config").Get("settings"))
	if traffic := root.Get("traffic"); traffic != nil {
		for i, item := range traffic.Items {
			if s := r.step(item, fmt.Sprintf("traffic[%d]", i+1)); s != nil {
				r.m.Traffic = append(r.m.Traffic, *s)
			}
		}
	}
	faults := root.Get("faults")
	r.m.Faults.Exception = r.step(faults.Get("exception"), "faults.exception")
	r.m.Faults.Slow = r.step(faults.Get("slow"), "faults.slow")
}

func (r *reader) build(n *document.Node) Build {
	if n != nil && n.Kind == document.Mapping {
		lock := n.Get("lock")
		r.local(lock, "build.lock")
		return Build{Run: texts(n.Get("run")), Context: strings.TrimSuffix(n.Get("context").String(), "/"), Lock: texts(lock)}
	}
	return Build{Run: texts(n)}
}

func (r *reader) test(n *document.Node) *Test {
	if n == nil {
		return nil
	}
	r.local(n.Get("coverage"), "test.coverage")
	t := &Test{
		Run:      n.String(),
		Coverage: n.Get("coverage").String(),
		Format:   n.Get("format").String(),
		Sources:  texts(n.Get("sources")),
		Timeout:  r.duration(n.Get("timeout"), "test.timeout", defaultTest),
	}
	if n.Kind == document.Mapping {
		t.Run = n.Get("run").String()
	}
	return t
}

func (r *reader) processes(root *document.Node) {
	if n := root.Get("processes"); n != nil {
		for _, e := range n.Entries {
			run := e.Value
			if run.Kind == document.Mapping {
				run = run.Get("run")
			}
			r.m.Processes[e.Key] = Process{Run: run.String()}
		}
	}
	if n := root.Get("admin"); n != nil {
		for _, e := range n.Entries {
			r.m.Admin[e.Key] = e.Value.String()
		}
	}
}

// run reads what this room needs of the settings of roadworthy run.
func (r *reader) run(n *document.Node) {
	if n == nil {
		return
	}
	r.m.Run = &Run{}
	leave := n.Get("leave")
	if leave == nil {
		return
	}
	for _, item := range append([]*document.Node{leave}, leave.Items...) {
		if !item.Scalar() {
			continue
		}
		if !slices.Contains(Supplied, item.Text) {
			r.notAllowed(item, "run.leave", Supplied)
			continue
		}
		r.m.Run.Leave = append(r.m.Run.Leave, item.Text)
	}
}

func (r *reader) services(n *document.Node) {
	r.m.Services, r.declared = map[string]Service{}, map[string]document.Place{}
	if n == nil {
		return
	}
	for _, e := range n.Entries {
		r.declared[e.Key] = e.At
		kind, as := e.Value, (*document.Node)(nil)
		if kind.Kind == document.Mapping {
			kind, as = e.Value.Get("type"), e.Value.Get("as")
		}
		s := Service{Name: e.Key, As: e.Key, Type: ServiceType(kind.String()),
			Within:  r.duration(e.Value.Get("within"), join("services", e.Key)+".within", defaultWithin),
			Durable: e.Value.Get("durable").True()}
		if s.Type == "mysql" {
			s.Type = MariaDB
		}
		if as.String() != "" {
			s.As = as.String()
		}
		r.m.Services[e.Key] = s
	}
}

// status reads the status route. It comes after the settings: the token is
// one of them.
func (r *reader) status(n *document.Node) {
	if n == nil || n.Kind != document.Mapping {
		return
	}
	s := &Status{Path: defaultPath, Header: defaultHeader}
	if path := n.Get("path").String(); path != "" {
		s.Path = path
	}
	if header := n.Get("header").String(); header != "" {
		s.Header = header
	}
	r.m.Status = s
	token := n.Get("token")
	if token == nil {
		s.Token = r.onlyToken()
		if s.Token == "" {
			r.missing(n.At, "status.token", "the setting that holds the token", "add token: "+defaultToken+" under status")
		}
		return
	}
	s.Token = token.String()
	if s.Token == "" || !setting.text.form.MatchString(s.Token) {
		return
	}
	r.token(s.Token, token.At)
}

// token makes sure that a setting exists and has its effect. The one of the
// conventions need not be declared a second time.
func (r *reader) token(name string, at document.Place) {
	s, ok := r.m.Config.Settings[name]
	switch {
	case ok && s.Effect == EffectNone && !r.explicit[name]:
		s.Effect, s.Secret = EffectToken, true
		r.m.Config.Settings[name] = s
	case !ok && name == defaultToken:
		r.m.Config.Settings[name] = Setting{Name: name, Effect: EffectToken, Secret: true, Value: "$value", Line: at.Line}
	case !ok:
		r.undeclared(at, "setting", name, fmt.Sprintf("add %s: {} under config.settings", problem.Clip(name)), r.settingNames())
	}
}

// onlyToken returns the setting that can only be the token, "" for none.
func (r *reader) onlyToken() string {
	var found []string
	for name, s := range r.m.Config.Settings {
		if s.Effect == EffectToken {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// duration reads a length of time; an absent or wrong one is the default.
func (r *reader) duration(n *document.Node, path string, def time.Duration) time.Duration {
	if n == nil || n.Kind != document.Text || !period.form.MatchString(n.Text) {
		return def
	}
	d, err := time.ParseDuration(n.Text)
	if err == nil && d > 0 {
		return d
	}
	r.add(n.At, problem.Problem{
		Code: codeType, Summary: path + " is no length of time", Got: problem.Quote(n.Text), Want: "more than nothing, such as " + def.String(),
		Fix: fmt.Sprintf("on line %d write %s: %s", n.At.Line, last(path), def), Cause: err,
	})
	return def
}

// local notes paths that lead out of the application's folder.
func (r *reader) local(n *document.Node, path string) {
	if n == nil {
		return
	}
	for _, item := range append([]*document.Node{n}, n.Items...) {
		if item.Kind == document.Text && localPath.form.MatchString(item.Text) && !filepath.IsLocal(item.Text) {
			r.add(item.At, problem.Problem{
				Code: codeType, Summary: path + " leads out of the application's folder", Got: problem.Quote(item.Text), Want: localPath.says,
				Fix: fmt.Sprintf("on line %d write a path without ..", item.At.Line),
			})
		}
	}
}

func (r *reader) settingNames() []string {
	return slices.Sorted(maps.Keys(r.m.Config.Settings))
}

// texts reads a text or a list of them.
func texts(n *document.Node) []string {
	if n.Scalar() {
		return []string{n.Text}
	}
	if n == nil {
		return nil
	}
	var out []string
	for _, item := range n.Items {
		if item.Scalar() {
			out = append(out, item.Text)
		}
	}
	return out
}
