package statusroute

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	maxLeaves = 200 // of one body
	maxDepth  = 10
	maxValue  = 80 // bytes
)

// parse reads a body that a machine can read: an object or list of JSON, or
// lines of key and value. The form is "" for anything else.
func parse(body string) (form string, leaves []Leaf) {
	var value any
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err == nil && !decoder.More() {
		switch value.(type) {
		case map[string]any, []any:
			flatten(&leaves, nil, value)
			return "json", leaves
		}
		return "", nil
	}
	return parseLines(body)
}

func flatten(leaves *[]Leaf, path []string, value any) {
	if len(*leaves) >= maxLeaves || len(path) > maxDepth {
		return
	}
	at := func(key string) []string { return append(slices.Clone(path), clip(key)) }
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			flatten(leaves, at(key), v[key])
		}
	case []any:
		for i, item := range v {
			flatten(leaves, at("["+strconv.Itoa(i)+"]"), item)
		}
	case string:
		*leaves = append(*leaves, Leaf{path, clip(v)})
	case json.Number:
		*leaves = append(*leaves, Leaf{path, clip(v.String())})
	case bool:
		*leaves = append(*leaves, Leaf{path, strconv.FormatBool(v)})
	case nil:
		*leaves = append(*leaves, Leaf{path, "null"})
	}
}

func clip(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxValue)], "") }

var (
	// "redis: ok", "redis=ok", "redis ok", `service_up{service="redis"} 1`
	// but no sentence.
	keyValue = regexp.MustCompile(`^([A-Za-z_][\w.\-/]*)(\{[^}]*\})?(?:\s*[:=]\s*(\S.*)|\s+(\S+))$`)
	label    = regexp.MustCompile(`="([^"]*)"`)
)

// parseLines reads lines of key and value, and the text format of Prometheus.
func parseLines(body string) (string, []Leaf) {
	var leaves []Leaf
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		match := keyValue.FindStringSubmatch(line)
		if match == nil {
			return "", nil
		}
		path := []string{clip(match[1])}
		for _, value := range label.FindAllStringSubmatch(match[2], 8) {
			path = append(path, clip(value[1]))
		}
		if len(leaves) < maxLeaves {
			leaves = append(leaves, Leaf{path, clip(match[3] + match[4])})
		}
	}
	if len(leaves) == 0 {
		return "", nil
	}
	return "lines", leaves
}
