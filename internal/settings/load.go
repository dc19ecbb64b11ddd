package settings

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// The codes of problems; see problem.Catalog.
const (
	codeBroken  = "RW-R01" // a file that cannot be read
	codeInvalid = "RW-R02" // a value that is missing or not allowed
	codeUnknown = "RW-R08" // a key that no setting has
)

// Load fills structs (pointers to them) from a source. Several structs share
// one file and one set of flags, in which every key must be known to one of
// them.
//
// Wrong input is returned as a [problem.List] with all that is wrong; the
// structs are then filled in part only. Any other error is a mistake in the
// structs themselves.
func Load(from Source, targets ...any) (*Table, error) {
	fields, err := fieldsOf(targets)
	if err != nil {
		return nil, err
	}
	l := &loader{from: from, fields: fields}
	l.readFile()
	l.refuseUnknownFlags()
	for _, f := range fields {
		l.take(f)
	}
	if len(l.problems) == 0 { // of whole structs that are only half filled nothing can be said
		l.validate(targets)
	}
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	return tableOf(fields), nil
}

type loader struct {
	from     Source
	fields   []*field
	file     map[string]entry
	problems problem.List
}

func (l *loader) readFile() {
	l.file = map[string]entry{}
	if l.from.File == "" {
		return
	}
	data, err := l.from.read(l.from.File)
	if err != nil {
		l.add(&problem.Problem{Code: codeBroken, Summary: "the file of settings cannot be read", At: l.from.File, Got: err.Error(), Want: "a YAML file", Fix: "write the file, or correct its name", Cause: err})
		return
	}
	file := readFlat(l.from.File, l.from.Section, data)
	l.problems = append(l.problems, file.problems...)
	for _, e := range file.entries {
		f := l.byKey(e.key)
		switch {
		case f == nil && e.null && l.isSection(e.key): // a section with nothing in it
		case f == nil && l.secretAbove(e.key) != nil: // such as a password in braces: its keys are the secret
			l.wrongForm(l.secretAbove(e.key), e.value, "a mapping")
		case f == nil:
			l.unknownKey(e)
		case f != nil && e.mapping:
			l.wrongForm(f, e.value, "a mapping")
		case f != nil:
			if before, twice := l.file[e.key]; twice {
				l.add(&problem.Problem{Code: codeBroken, Summary: fmt.Sprintf("the key %s stands twice", e.key), At: e.origin.place(), Got: fmt.Sprintf("it is on line %d already", before.origin.Line), Want: "each key once", Fix: "remove one of them"})
			}
			l.file[e.key] = e
		}
	}
}

func (l *loader) byKey(key string) *field {
	i := slices.IndexFunc(l.fields, func(f *field) bool { return f.Key != "" && f.Key == key })
	if i < 0 {
		return nil
	}
	return l.fields[i]
}

// secretAbove returns the secret setting whose value a key of the file is a part of.
func (l *loader) secretAbove(key string) *field {
	i := slices.IndexFunc(l.fields, func(f *field) bool { return f.Secret && f.Key != "" && strings.HasPrefix(key, f.Key+".") })
	if i < 0 {
		return nil
	}
	return l.fields[i]
}

func (l *loader) isSection(key string) bool {
	return slices.ContainsFunc(l.fields, func(f *field) bool { return strings.HasPrefix(f.Key, key+".") })
}

func (l *loader) unknownKey(e entry) {
	p := &problem.Problem{Code: codeUnknown, Summary: fmt.Sprintf("there is no setting %q", e.key), At: e.origin.place(), Got: e.key}
	l.suggest(p, e.key, "remove the line")
	if l.isSection(e.key) {
		p.Code, p.Summary, p.Got, p.Want, p.Fix = codeInvalid, e.key+" holds settings and is none itself", "a value", "settings below "+e.key, "write the settings below "+e.key+":"
	}
	l.add(p)
}

// suggest names the nearest key.
func (l *loader) suggest(p *problem.Problem, key, otherwise string) {
	var known []string
	for _, f := range l.fields {
		if f.Key != "" {
			known = append(known, f.Key)
		}
	}
	if near, ok := problem.Nearest(key, known); ok {
		p.Want, p.Fix = near, "write "+near+" instead, or "+otherwise
		return
	}
	p.Want, p.Fix = "one of "+strings.Join(known, ", "), otherwise
}

func (l *loader) refuseUnknownFlags() {
	for key := range l.from.Flags {
		if l.byKey(key) == nil {
			p := &problem.Problem{Code: codeUnknown, Summary: fmt.Sprintf("there is no setting %q", key), At: "flag " + flagName(key), Got: key}
			l.suggest(p, key, "leave the flag out")
			l.add(p)
		}
	}
}

// take gives a field the value of the first source that has one.
func (l *loader) take(f *field) {
	v, found := l.find(f)
	if found {
		l.put(f, v)
		if f.Required && f.place.IsZero() && v.empty() {
			l.missing(f, v.origin)
		}
		return
	}
	switch {
	case f.hasGiven || !f.place.IsZero():
		f.Origin = Origin{Kind: "default"}
	case f.Required:
		l.missing(f, Origin{})
	}
}

func (l *loader) find(f *field) (value, bool) {
	if text, ok := l.from.Flags[f.Key]; ok && f.Key != "" {
		return value{text: text, origin: Origin{Kind: "flag", Name: flagName(f.Key)}}, true
	}
	if v, ok := l.fromEnvironment(f); ok {
		return v, true
	}
	e, ok := l.file[f.Key]
	return e.value, ok && f.Key != "" && !e.null
}

// fromEnvironment reads NAME, and for a secret NAME_FILE.
func (l *loader) fromEnvironment(f *field) (value, bool) {
	text, ok := l.from.lookup(f.Variable)
	v := value{text: text, origin: Origin{Kind: "environment", Name: f.Variable}}
	ok = ok && (f.kind.empty || !v.empty())
	path := ""
	if f.Secret && !l.isVariable(f.Variable+"_FILE") {
		path, _ = l.from.lookup(f.Variable + "_FILE")
	}
	if path == "" || f.Variable == "" {
		return v, ok
	}
	if ok && text != "" {
		l.add(&problem.Problem{Code: codeInvalid, Summary: fmt.Sprintf("both %s and %s_FILE are set", f.Variable, f.Variable), At: "environment " + f.Variable, Want: "one of them", Fix: "unset " + f.Variable})
		return v, true
	}
	data, err := l.from.read(path)
	if err != nil {
		l.add(&problem.Problem{Code: codeBroken, Summary: fmt.Sprintf("the file of the secret %s cannot be read", f.Variable), At: "environment " + f.Variable + "_FILE", Got: err.Error(), Want: "a readable file", Fix: "write the secret into " + path + ", or correct " + f.Variable + "_FILE", Cause: err})
		f.Required = false // it is told once
		return value{}, false
	}
	// An editor or echo ends the file with a newline that is no part of the secret.
	text = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	return value{text: text, origin: Origin{Kind: "secret file", Name: path}}, true
}

func (l *loader) isVariable(name string) bool {
	return slices.ContainsFunc(l.fields, func(f *field) bool { return f.Variable == name })
}

func (l *loader) put(f *field, v value) {
	f.Origin = v.origin
	if err := f.assign(v); err != nil {
		l.wrongForm(f, v, "")
		return
	}
	for _, asked := range []reflect.Value{f.place, f.place.Addr()} {
		if own, ok := reflect.TypeAssert[validator](asked); ok && (asked.Kind() != reflect.Pointer || !asked.IsNil()) {
			if err := own.Validate(); err != nil {
				l.notValid(f.Name(), v.origin, err)
			}
			return
		}
	}
}

func (l *loader) wrongForm(f *field, v value, got string) {
	if got == "" {
		got = fmt.Sprintf("%q", redactText(v.text))
		if v.list {
			got = fmt.Sprintf("the list %q", v.items)
		}
	}
	if f.Secret {
		got = ""
	}
	l.add(&problem.Problem{Code: codeInvalid, Summary: f.Name() + " is not " + f.Type, At: v.origin.at(), Got: got, Want: f.Type, Fix: f.fix()})
}

func (l *loader) missing(f *field, at Origin) {
	place := at.at()
	if at.Kind == "" {
		place = ""
	}
	l.add(&problem.Problem{Code: codeInvalid, Summary: f.Name() + " is missing", At: place, Want: f.Type + describe(f.Help), Fix: f.fix()})
}

func describe(help string) string {
	if help == "" {
		return ""
	}
	return ": " + help
}

// fix is the way in which a setting is given.
func (f *field) fix() string {
	such := f.kind.such
	if f.kind.list && f.kind.item.such != "…" {
		such = f.kind.item.such
	}
	if f.low != nil {
		such = *f.low
	}
	switch {
	case f.Default != "" && !f.Secret:
		such = f.Default
	case f.Secret:
		such = "…"
	}
	if f.Variable != "" {
		return fmt.Sprintf("set %s, such as %s=%s", f.Variable, f.Variable, such)
	}
	return fmt.Sprintf("write into the file, such as %s: %s", f.Key, such)
}

func (l *loader) add(p *problem.Problem) { l.problems = append(l.problems, p) }

// validator is what a type or a struct implements to check itself.
type validator interface{ Validate() error }

// validate asks the structs, sections first.
func (l *loader) validate(targets []any) {
	for _, target := range targets {
		l.validateStruct(reflect.ValueOf(target).Elem())
	}
}

func (l *loader) validateStruct(v reflect.Value) {
	for i := range v.NumField() {
		described := v.Type().Field(i)
		_, leaf := kindOf(described.Type)
		if described.IsExported() && !leaf && described.Type.Kind() == reflect.Struct && described.Tag.Get("key") != "-" {
			l.validateStruct(v.Field(i))
		}
	}
	if own, ok := reflect.TypeAssert[validator](v.Addr()); ok {
		if err := own.Validate(); err != nil {
			l.notValid("the settings", Origin{}, err)
		}
	}
}

// notValid takes joined errors apart, so that each is a problem.
func (l *loader) notValid(name string, at Origin, err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			l.notValid(name, at, one)
		}
		return
	}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		l.add(p)
		return
	}
	place := ""
	if at.Kind != "" {
		place = at.at()
	}
	l.add(&problem.Problem{Code: codeInvalid, Summary: name + ": " + err.Error(), At: place, Fix: "correct the value", Cause: err})
}

// at names an origin as a place: a file by its line, all else with its kind.
func (o Origin) at() string {
	if o.Kind == "file" {
		return o.place()
	}
	return strings.TrimSpace(o.Kind + " " + o.place())
}

func flagName(key string) string {
	return "--" + strings.NewReplacer(".", "-", "_", "-").Replace(key)
}
