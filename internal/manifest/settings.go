package manifest

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/document"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// servicePlaces are what a value can hold of a service.
var servicePlaces = []string{"url", "host", "port", "user", "password", "database", "path"}

// formats tells the format of a configuration file by its extension.
var formats = map[string]string{
	".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json", ".ini": "ini", ".cfg": "ini", ".env": "dotenv",
}

func (r *reader) config(n *document.Node) {
	r.m.Config.Settings, r.explicit = map[string]Setting{}, map[string]bool{}
	if n == nil {
		return
	}
	r.file(n.Get("file"))
	settings := n.Get("settings")
	if settings == nil {
		return
	}
	for _, e := range settings.Entries {
		r.m.Config.Settings[e.Key] = r.setting(e)
	}
}

func (r *reader) file(n *document.Node) {
	if n == nil || n.Kind != document.Mapping {
		return
	}
	f := &File{
		Variable: n.Get("variable").String(), Argument: n.Get("argument").String(),
		Path: n.Get("path").String(), Format: n.Get("format").String(),
	}
	r.local(n.Get("path"), "config.file.path")
	if f.Format == "" {
		f.Format = formatOf(f.Path)
	}
	var ways []string
	for _, way := range []string{"variable", "argument", "path"} {
		if n.Get(way) != nil {
			ways = append(ways, way)
		}
	}
	switch {
	case len(ways) == 0:
		r.missing(n.At, "config.file.variable", "one of variable, argument and path", "add variable: APP_CONFIG under config.file")
	case len(ways) > 1:
		r.add(n.At, problem.Problem{
			Code: codeEnum, Summary: "config.file says in several ways where the file is", Got: strings.Join(ways, " and "),
			Want: "exactly one of variable, argument, path", Fix: "remove " + strings.Join(ways[1:], " and ") + " under config.file",
		})
	}
	r.m.Config.File = f
}

// formatOf tells a file's format by its name; yaml where it does not say.
func formatOf(name string) string {
	if base := path.Base(name); strings.HasPrefix(base, ".env") {
		return "dotenv"
	}
	if f, ok := formats[strings.ToLower(path.Ext(name))]; ok {
		return f
	}
	return "yaml"
}

// setting reads one setting: what is written, then what its name says.
func (r *reader) setting(e document.Entry) Setting {
	n, where := e.Value, "config.settings."+problem.Clip(e.Key)
	s := Setting{Name: e.Key, Line: e.At.Line, Secret: SecretName(e.Key)}
	if n.Kind == document.Text {
		s.Key = n.Text
	}
	s.Key += n.Get("key").String() // only one of both exists
	if secret := n.Get("secret"); secret != nil {
		s.Secret = secret.True()
	}
	convention, _ := ConventionOf(e.Key)
	s.Effect = r.effect(e, convention)
	if s.Effect == EffectService {
		s.Service = r.service(e, convention, where)
	}
	r.levels(&s, n.Get("levels"), where)
	r.value(&s, n.Get("value"), where)
	s.Invalid = r.invalid(s, n.Get("invalid"), convention)
	return s
}

// effect decides how a setting shows: as it says, by the service or reply
// that it names, by convention, or not at all.
func (r *reader) effect(e document.Entry, convention Convention) Effect {
	n, where := e.Value, "config.settings."+problem.Clip(e.Key)
	effect := n.Get("effect")
	said := Effect(effect.String())
	service, reply := n.Get("service") != nil, n.Get("reply") != nil
	switch {
	case said != "" && service && said != EffectService, said != "" && reply && said != EffectReply, said == "" && service && reply:
		r.add(n.At, problem.Problem{
			Code: codeEnum, Summary: where + " is given two effects", Got: strings.Join(keysOf(n, "effect", "service", "reply"), " and "),
			Want: "service: with effect service, reply: with effect reply, or one of them alone", Fix: fmt.Sprintf("remove one of them on line %d", n.At.Line),
		})
	case said == EffectReply && !reply:
		r.missing(e.At, where+".reply", "the request whose reply shows the value", "add reply: GET /about under "+where)
	}
	r.explicit[e.Key] = said != ""
	switch {
	case said != "":
		return said
	case service:
		return EffectService
	case reply:
		return EffectReply
	case convention.Effect != "":
		return convention.Effect
	}
	return EffectNone
}

func keysOf(n *document.Node, names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return n.Get(name) == nil })
}

// service finds the service that a setting names.
func (r *reader) service(e document.Entry, convention Convention, where string) string {
	if named := e.Value.Get("service"); named != nil {
		name := named.String()
		if _, ok := r.declared[name]; !ok && name != "" && !r.imply(name) {
			r.undeclared(named.At, "service", name, fmt.Sprintf("add services: {%s: postgres}", problem.Clip(name)), slices.Sorted(maps.Keys(r.declared)))
		}
		return name
	}
	fitting := r.fitting(convention.Types)
	if slices.Contains(fitting, convention.Service) {
		return convention.Service
	}
	switch {
	case len(fitting) == 1:
		return fitting[0]
	case len(fitting) == 0 && convention.Service != "" && r.imply(convention.Service):
		return convention.Service
	}
	if !r.unknownTypes() {
		r.noService(e, convention, where, fitting)
	}
	return ""
}

// noService notes that it cannot be told which service a setting names.
func (r *reader) noService(e document.Entry, convention Convention, where string, fitting []string) {
	p := problem.Problem{
		Code: codeReference, Summary: where + " needs a service that is not declared", Got: "no service of that kind",
		Want: "a declared service", Fix: fmt.Sprintf("add service: NAME under %s, and the service to services", where),
	}
	if len(convention.Types) > 0 {
		kinds := make([]string, len(convention.Types))
		for i, t := range convention.Types {
			kinds[i] = string(t)
		}
		p.Want = "a service of type " + strings.Join(kinds, " or ")
		name := "db"
		if convention.Service != "" {
			name = convention.Service
		}
		p.Fix = fmt.Sprintf("write services: {%s: %s}", name, kinds[0])
	}
	if len(fitting) > 1 {
		p.Summary = where + " can name several services"
		p.Got, p.Want = strings.Join(fitting, ", "), "one of them"
		p.Fix = fmt.Sprintf("on line %d write %s: {service: %s}", e.At.Line, problem.Clip(e.Key), fitting[0])
	}
	r.add(e.At, p)
}

// unknownTypes tells whether a declared service has a type that is noted as
// wrong already: it may be the one that is meant.
func (r *reader) unknownTypes() bool {
	for name := range r.declared {
		if t := string(r.m.Services[name].Type); !slices.Contains(serviceType.text.enum, t) {
			return true
		}
	}
	return false
}

// fitting lists the declared services of some types, sorted.
func (r *reader) fitting(types []ServiceType) []string {
	var names []string
	for name := range r.declared {
		if slices.Contains(types, r.m.Services[name].Type) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// imply adds a service that need not be declared.
func (r *reader) imply(name string) bool {
	if _, ok := r.declared[name]; ok {
		return false // declared as something else
	}
	kind, ok := impliedService(name)
	if ok {
		r.m.Services[name] = Service{Name: name, Type: kind, As: name, Within: defaultWithin}
	}
	return ok
}

func (r *reader) levels(s *Setting, n *document.Node, where string) {
	if s.Effect == EffectLevel {
		s.Levels = slices.Clone(defaultLevels)
	}
	if n == nil || n.Kind != document.List {
		return
	}
	switch {
	case s.Effect != EffectLevel:
		r.missing(n.At, where+".effect", "effect: level, since it has levels", "add effect: level under "+where)
	case len(n.Items) != len(defaultLevels):
		r.add(n.At, problem.Problem{
			Code: codeType, Summary: where + ".levels is not four names", Got: n.Describe(), Want: "the names of DEBUG, INFO, WARNING and ERROR, in this order",
			Fix: fmt.Sprintf("on line %d write levels: [debug, info, warn, error]", n.At.Line),
		})
	default:
		s.Levels = texts(n)
	}
}

// value reads the form of a value and refuses what could not be filled in.
func (r *reader) value(s *Setting, n *document.Node, where string) {
	s.Value = "$value"
	if s.Effect == EffectService {
		s.Value = "$url"
	}
	if !n.Scalar() {
		return
	}
	s.Value = n.Text
	known := []string{"value"}
	if s.Effect == EffectService {
		known = servicePlaces
	}
	used := References(s.Value)
	for _, name := range used {
		if !slices.Contains(known, name) {
			r.undeclared(n.At, "placeholder", "$"+name, fmt.Sprintf("on line %d use $%s", n.At.Line, strings.Join(known, " or $")), dollars(known))
		}
	}
	if s.Effect == EffectService && len(used) == 0 {
		r.add(n.At, problem.Problem{
			Code: codeReference, Summary: where + ".value names nothing of its service", Got: problem.Quote(s.Value),
			Want: "one of " + strings.Join(dollars(known), ", "), Fix: fmt.Sprintf("on line %d write value: $url", n.At.Line),
		})
	}
}

func dollars(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = "$" + name
	}
	return out
}

// invalid decides which value a setting must refuse.
func (r *reader) invalid(s Setting, n *document.Node, convention Convention) string {
	switch {
	case n != nil:
		return n.String()
	case s.Effect == EffectService:
		return invalidForm(s.Value)
	case convention.Effect == s.Effect:
		return convention.Invalid
	}
	return effectInvalid(s.Effect)
}

// invalidForm returns what cannot be a value of a form: a URL and a port can
// be wrong, while a host or a password can be any text.
func invalidForm(form string) string {
	switch used := References(form); {
	case slices.Contains(used, "url"):
		return invalidURL
	case len(used) == 1 && used[0] == "port":
		return invalidPort
	}
	return ""
}

// replies reads the steps of settings. They come last, since a step may name
// any setting.
func (r *reader) replies(settings *document.Node) {
	if settings == nil {
		return
	}
	for _, e := range settings.Entries {
		if n := e.Value.Get("reply"); n != nil {
			s := r.m.Config.Settings[e.Key]
			s.Reply = r.step(n, "config.settings."+problem.Clip(e.Key)+".reply")
			r.m.Config.Settings[e.Key] = s
		}
	}
}
