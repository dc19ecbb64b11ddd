package runner

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// reloadable tells whether a reload applies a setting. All others are for what
// a master opens once: its front, log, mail and syslog.
func reloadable(key string) bool {
	return strings.HasPrefix(key, "recycle.") || slices.Contains([]string{
		"workers", "counts", "user", "privileges", "release", "health", "log.level", "syslog.level",
		"times.ready", "times.settle", "times.drain", "times.stop", "times.watchdog", "times.probe",
	}, key)
}

// onlyRestarts are the settings that an upgrade does not apply either.
func onlyRestarts() []string { return []string{"listen", "port", "mode", "tls.plain"} }

// hold gives the settings that no reload applies the values of the run back,
// and returns the keys of those that were to change.
func (c *Config) hold(run *Config) []string {
	held := holdIn("", reflect.ValueOf(&c.Settings).Elem(), reflect.ValueOf(run.Settings))
	c.Manifest.Run.Leave = run.Manifest.Run.Leave // which the setting shows
	for i, row := range c.Table.Settings {
		if slices.Contains(held, row.Key) {
			c.Table.Settings[i] = run.Table.Settings[i]
		}
	}
	return held
}

// holdIn does so in one section.
func holdIn(section string, fresh, run reflect.Value) (held []string) {
	for i := range fresh.NumField() {
		field := fresh.Type().Field(i)
		key := section + cmp.Or(field.Tag.Get("key"), strings.ToLower(field.Name))
		switch {
		case field.Type.Kind() == reflect.Struct:
			held = append(held, holdIn(key+".", fresh.Field(i), run.Field(i))...)
		case !reloadable(key) && !reflect.DeepEqual(fresh.Field(i).Interface(), run.Field(i).Interface()):
			fresh.Field(i).Set(run.Field(i))
			held = append(held, key)
		}
	}
	return held
}

// outstanding says what applies the settings that a reload does not; "" where
// there is none.
func outstanding(held []string) string {
	var parts []string
	restart := slices.DeleteFunc(slices.Clone(held), func(key string) bool { return !slices.Contains(onlyRestarts(), key) })
	upgrade := slices.DeleteFunc(slices.Clone(held), func(key string) bool { return slices.Contains(restart, key) })
	if len(upgrade) > 0 {
		parts = append(parts, "needs roadworthy upgrade or a restart: "+strings.Join(upgrade, ", "))
	}
	if len(restart) > 0 {
		parts = append(parts, "needs a restart: "+strings.Join(restart, ", "))
	}
	return strings.Join(parts, "; ")
}
