package scaffold

import (
	"path"
	"reflect"
	"regexp"
	"strings"
)

// Applications in Go write their settings as tags of a struct:
// `env:"DATABASE_URL" key:"database"`.
var (
	tagForm = regexp.MustCompile("`[^`\n]*\\benv:\"[^`\n]*`")
	sdkUse  = regexp.MustCompile(`"github\.com/roadworthy-dev/roadworthy/app"`)
	sdkMain = regexp.MustCompile(`\bapp\.Main\(\s*"([^"]+)"|\bName:\s*"([^"]+)"`)
)

// standard are the settings of the SDK that the manifest has a word for, with
// their keys; see app.Standard.
var standard = map[string]string{
	"PORT": "port", "LOG_LEVEL": "log.level", "STATUS_TOKEN": "status_token", "ERROR_MAIL": "mail.errors", "SMTP_URL": "mail.server",
	"SYSLOG_URL": "syslog.server", "SYSLOG_FACILITY": "syslog.facility",
}

// tagged lists the settings of structs by variable, and those of the SDK where
// the application stands on it. Nil where there are none with a key.
func (f *facts) tagged() map[string]row {
	all := map[string]row{}
	keyed := false
	for _, name := range f.sources {
		text := f.texts[name]
		if path.Ext(name) != ".go" {
			continue
		}
		for _, at := range tagForm.FindAllStringIndex(text, -1) {
			tag := reflect.StructTag(strings.Trim(text[at[0]:at[1]], "`"))
			variable, _, _ := strings.Cut(tag.Get("env"), ",")
			if _, known := all[variable]; known || !variableName.MatchString(variable) {
				continue
			}
			key := tag.Get("key")
			keyed = keyed || key != ""
			all[variable] = row{variable, key, place(name, text, at[0]), tag.Get("help")}
		}
	}
	if where := f.findUse(); where != "" {
		for variable, key := range standard {
			all[variable] = row{variable, key, where + ", package app", ""}
		}
		keyed = true
	}
	if !keyed {
		return nil
	}
	return all
}

var variableName = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// findUse is where a source imports the SDK, "" for nowhere.
func (f *facts) findUse() string {
	for _, name := range f.sources {
		if at := sdkUse.FindStringIndex(f.texts[name]); at != nil {
			return place(name, f.texts[name], at[0])
		}
	}
	return ""
}

// sdkFile is the variable that names the file of settings of an application
// that stands on the SDK.
func (f *facts) sdkFile() (variable, where string) {
	for _, name := range f.sources {
		text := f.texts[name]
		if !sdkUse.MatchString(text) {
			continue
		}
		if m := sdkMain.FindStringSubmatchIndex(text); m != nil {
			called := group(text, m, 1) + group(text, m, 2)
			return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(called)) + "_CONFIG", place(name, text, m[0])
		}
	}
	return "", ""
}

var replaced = regexp.MustCompile(`(?m)^[ \t]*(?:replace[ \t]+)?[^\s=]+(?:[ \t]+v\S+)?[ \t]+=>[ \t]+((?:\.\./)*\.\.)(?:/|[ \t]*(?://.*)?$)`)

// context is the highest folder above that go.mod takes a module from, "" for none.
func (f *facts) context() string {
	highest := ""
	for _, m := range replaced.FindAllStringSubmatch(f.files["go.mod"], -1) {
		if len(m[1]) > len(highest) {
			highest = m[1]
		}
	}
	return highest
}
