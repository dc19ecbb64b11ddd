package manifest

import (
	"maps"
	"slices"
)

// LevelName returns the application's own name of a level, which is one of
// DEBUG, INFO, WARNING and ERROR.
func (s Setting) LevelName(level string) string {
	for i, name := range []string{"DEBUG", "INFO", "WARNING", "ERROR"} {
		if name == level && i < len(s.Levels) {
			return s.Levels[i]
		}
	}
	return level
}

// WithEffect returns the settings that have an effect, by name in order.
func (c Config) WithEffect(effect Effect) []Setting {
	var list []Setting
	for _, s := range c.Sorted() {
		if s.Effect == effect {
			list = append(list, s)
		}
	}
	return list
}

// Sorted returns all settings in the order of their names.
func (c Config) Sorted() []Setting {
	list := make([]Setting, 0, len(c.Settings))
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		list = append(list, c.Settings[name])
	}
	return list
}
