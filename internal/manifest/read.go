package manifest

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// reader makes a manifest of nodes that [report.check] has looked at. What has
// the wrong form is skipped here, since it is noted already.
type reader struct {
	*report
	m        *Manifest
	declared map[string]place // services that stand in the file, right or wrong
	explicit map[string]bool  // settings that say their effect themselves
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
func (r *reader) read(root *node) {
	r.m = &Manifest{
		Path:      r.path,
		Name:      root.get("name").string(),
		Boot:      r.duration(root.get("boot"), "boot", defaultBoot),
		Build:     r.build(root.get("build")),
		Test:      r.test(root.get("test")),
		Release:   texts(root.get("release")),
		Processes: map[string]Process{},
		Admin:     map[string]string{},
		System:    texts(root.get("system")),
		Behind:    root.get("behind").string(),
	}
	r.processes(root)
	r.run(root.get("run"))
	r.services(root.get("services"))
	r.config(root.get("config"))
	r.status(root.get("status"))
	r.replies(root.get("config").get("settings"))
	if traffic := root.get("traffic"); traffic != nil {
		for i, item := range traffic.items {
			if s := r.step(item, fmt.Sprintf("traffic[%d]", i+1)); s != nil {
				r.m.Traffic = append(r.m.Traffic, *s)
			}
		}
	}
	faults := root.get("faults")
	r.m.Faults.Exception = r.step(faults.get("exception"), "faults.exception")
	r.m.Faults.Slow = r.step(faults.get("slow"), "faults.slow")
}

func (r *reader) build(n *node) Build {
	if n != nil && n.kind == kindMapping {
		lock := n.get("lock")
		r.local(lock, "build.lock")
		return Build{Run: texts(n.get("run")), Context: strings.TrimSuffix(n.get("context").string(), "/"), Lock: texts(lock)}
	}
	return Build{Run: texts(n)}
}

func (r *reader) test(n *node) *Test {
	if n == nil {
		return nil
	}
	r.local(n.get("coverage"), "test.coverage")
	t := &Test{
		Run:      n.string(),
		Coverage: n.get("coverage").string(),
		Format:   n.get("format").string(),
		Sources:  texts(n.get("sources")),
		Timeout:  r.duration(n.get("timeout"), "test.timeout", defaultTest),
	}
	if n.kind == kindMapping {
		t.Run = n.get("run").string()
	}
	return t
}

func (r *reader) processes(root *node) {
	if n := root.get("processes"); n != nil {
		for _, e := range n.entries {
			run := e.value
			if run.kind == kindMapping {
				run = run.get("run")
			}
			r.m.Processes[e.key] = Process{Run: run.string()}
		}
	}
	if n := root.get("admin"); n != nil {
		for _, e := range n.entries {
			r.m.Admin[e.key] = e.value.string()
		}
	}
}

// run reads what this room needs of the settings of roadworthy run.
func (r *reader) run(n *node) {
	if n == nil {
		return
	}
	r.m.Run = &Run{}
	leave := n.get("leave")
	if leave == nil {
		return
	}
	for _, item := range append([]*node{leave}, leave.items...) {
		if !item.scalar() {
			continue
		}
		if !slices.Contains(Supplied, item.text) {
			r.notAllowed(item, "run.leave", Supplied)
			continue
		}
		r.m.Run.Leave = append(r.m.Run.Leave, item.text)
	}
}

func (r *reader) services(n *node) {
	r.m.Services, r.declared = map[string]Service{}, map[string]place{}
	if n == nil {
		return
	}
	for _, e := range n.entries {
		r.declared[e.key] = e.at
		kind, as := e.value, (*node)(nil)
		if kind.kind == kindMapping {
			kind, as = e.value.get("type"), e.value.get("as")
		}
		s := Service{Name: e.key, As: e.key, Type: ServiceType(kind.string()),
			Within:  r.duration(e.value.get("within"), join("services", e.key)+".within", defaultWithin),
			Durable: e.value.get("durable").string() == "true"}
		if s.Type == "mysql" {
			s.Type = MariaDB
		}
		if as.string() != "" {
			s.As = as.string()
		}
		r.m.Services[e.key] = s
	}
}

// status reads the status route. It comes after the settings: the token is
// one of them.
func (r *reader) status(n *node) {
	if n == nil || n.kind != kindMapping {
		return
	}
	s := &Status{Path: defaultPath, Header: defaultHeader}
	if path := n.get("path").string(); path != "" {
		s.Path = path
	}
	if header := n.get("header").string(); header != "" {
		s.Header = header
	}
	r.m.Status = s
	token := n.get("token")
	if token == nil {
		s.Token = r.onlyToken()
		if s.Token == "" {
			r.missing(n.at, "status.token", "the setting that holds the token", "add token: "+defaultToken+" under status")
		}
		return
	}
	s.Token = token.string()
	if s.Token == "" || !setting.text.form.MatchString(s.Token) {
		return
	}
	r.token(s.Token, token.at)
}

// token makes sure that a setting exists and has its effect. The one of the
// conventions need not be declared a second time.
func (r *reader) token(name string, at place) {
	s, ok := r.m.Config.Settings[name]
	switch {
	case ok && s.Effect == EffectNone && !r.explicit[name]:
		s.Effect, s.Secret = EffectToken, true
		r.m.Config.Settings[name] = s
	case !ok && name == defaultToken:
		r.m.Config.Settings[name] = Setting{Name: name, Effect: EffectToken, Secret: true, Value: "$value", Line: at.line}
	case !ok:
		r.undeclared(at, "setting", name, fmt.Sprintf("add %s: {} under config.settings", clip(name)), r.settingNames())
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
func (r *reader) duration(n *node, path string, def time.Duration) time.Duration {
	if n == nil || n.kind != kindText || !period.form.MatchString(n.text) {
		return def
	}
	d, err := time.ParseDuration(n.text)
	if err == nil && d > 0 {
		return d
	}
	r.add(n.at, problem.Problem{
		Code: codeType, Summary: path + " is no length of time", Got: quote(n.text), Want: "more than nothing, such as " + def.String(),
		Fix: fmt.Sprintf("on line %d write %s: %s", n.at.line, last(path), def), Cause: err,
	})
	return def
}

// local notes paths that lead out of the application's folder.
func (r *reader) local(n *node, path string) {
	if n == nil {
		return
	}
	for _, item := range append([]*node{n}, n.items...) {
		if item.kind == kindText && localPath.form.MatchString(item.text) && !filepath.IsLocal(item.text) {
			r.add(item.at, problem.Problem{
				Code: codeType, Summary: path + " leads out of the application's folder", Got: quote(item.text), Want: localPath.says,
				Fix: fmt.Sprintf("on line %d write a path without ..", item.at.line),
			})
		}
	}
}

func (r *reader) settingNames() []string {
	return slices.Sorted(maps.Keys(r.m.Config.Settings))
}

// texts reads a text or a list of them.
func texts(n *node) []string {
	if n.scalar() {
		return []string{n.text}
	}
	if n == nil {
		return nil
	}
	var out []string
	for _, item := range n.items {
		if item.scalar() {
			out = append(out, item.text)
		}
	}
	return out
}
