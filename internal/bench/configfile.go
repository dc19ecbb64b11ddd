package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/pelletier/go-toml/v2"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

// filePath is where the configuration file stands, unless its path is fixed.
const filePath = "/etc/app.conf"

// FilePath returns where the configuration file stands inside.
func (b *Boot) FilePath() string {
	if file := b.bench.Manifest.Config.File; file != nil && file.Path != "" {
		return sandbox.AppDir + "/" + file.Path
	}
	return filePath
}

func (b *Boot) usesFile() bool {
	return b.Plan.InFile || b.Plan.File != nil || b.Plan.RawFile != nil || b.Plan.NoFile
}

// FileContent returns what the configuration file of the plan holds.
func (b *Boot) FileContent() ([]byte, error) {
	if b.Plan.RawFile != nil {
		return b.Plan.RawFile, nil
	}
	entries := map[string]string{} // by key
	for name, setting := range b.bench.Manifest.Config.Settings {
		if setting.Key == "" {
			continue
		}
		_, explicit := b.Plan.Set[name]
		if b.Plan.InFile && b.given(name) && !explicit {
			entries[setting.Key] = b.Values.Set[name]
		}
		if value, ok := b.Plan.File[name]; ok {
			entries[setting.Key] = value
		}
	}
	return EncodeFile(b.bench.Manifest.Config.File.Format, entries)
}

func (b *Boot) writeFile(ctx context.Context) error {
	if b.bench.Manifest.Config.File == nil || !b.usesFile() || b.Plan.NoFile {
		return nil
	}
	content, err := b.FileContent()
	if err != nil {
		return err
	}
	return b.sandbox.WriteFile(ctx, b.FilePath(), content, 0o644)
}

// EncodeFile writes settings, by dotted key, in one of the formats of
// manifest.File. Numbers are written as numbers where a format has them.
func EncodeFile(format string, entries map[string]string) ([]byte, error) {
	switch format {
	case "yaml":
		return yaml.Marshal(nested(entries))
	case "toml":
		return toml.Marshal(nested(entries))
	case "json":
		return json.MarshalIndent(nested(entries), "", "  ")
	case "ini":
		return encodeINI(entries), nil
	case "dotenv":
		var out strings.Builder
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			fmt.Fprintf(&out, "%s=%s\n", key, entries[key])
		}
		return []byte(out.String()), nil
	}
	return nil, fmt.Errorf("unknown format %q", format)
}

// nested turns "log.level" into a map in a map.
func nested(entries map[string]string) map[string]any {
	root := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		at := root
		parts := strings.Split(key, ".")
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[part] = next
			}
			at = next
		}
		at[parts[len(parts)-1]] = scalar(entries[key])
	}
	return root
}

func scalar(value string) any {
	if number, err := strconv.Atoi(value); err == nil && strconv.Itoa(number) == value {
		return number
	}
	return value
}

// encodeINI writes keys without a dot first, then a section for each prefix.
func encodeINI(entries map[string]string) []byte {
	sections := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		section, name := "", key
		if dot := strings.LastIndexByte(key, '.'); dot >= 0 {
			section, name = key[:dot], key[dot+1:]
		}
		sections[section] = append(sections[section], name+" = "+entries[key])
	}
	var out strings.Builder
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		if section != "" {
			fmt.Fprintf(&out, "\n[%s]\n", section)
		}
		out.WriteString(strings.Join(sections[section], "\n") + "\n")
	}
	return []byte(out.String())
}

// BreakFile cuts a configuration file off in the middle of a value, in a way
// that no parser of the format can take, and returns the number of the line.
func BreakFile(format string, content []byte) ([]byte, int) {
	broken := map[string]string{
		"yaml": "broken: [1, 2\n  : \"x\n", "toml": "broken = \"x\n", "json": "", "ini": "[broken\nx\n", "dotenv": "broken line without equals\n",
	}[format]
	if format == "json" { // a value is missing behind the last colon
		text := strings.TrimSuffix(strings.TrimRight(string(content), "\n"), "}")
		text = strings.TrimRight(text, "\n ")
		text += ",\n  \"broken\": \n}\n"
		return []byte(text), strings.Count(text, "\n")
	}
	lines := strings.Count(string(content), "\n")
	return append(slices.Clone(content), broken...), lines + 1
}
