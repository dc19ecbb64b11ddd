package coverage

import (
	"path"
	"slices"
	"strings"
)

// decodeCobertura reads <class filename> and the <line number hits> in it.
// Tools list a line under its method and under its class, and one file under
// several classes, so that the highest count of a line is the count.
func decodeCobertura(data []byte, into *builder) error {
	var sources []string
	var lines map[int]int
	hasPackages := false
	raw := newBuilder()
	err := walkXML(data, visitor{
		start: func(path []string, e element) error {
			switch {
			case e.name == "packages" && len(path) == 1:
				hasPackages = true
			case e.name == "class":
				if e.attr("filename") == "" {
					return syntax(e.line, "<class> has no filename")
				}
				lines = raw.file(e.attr("filename"))
			case e.name == "line" && slices.Contains(path, "class"):
				return addCoberturaLine(raw, lines, e)
			}
			return nil
		},
		text: func(path []string, text string) {
			if last(path) == "source" && strings.TrimSpace(text) != "" {
				sources = append(sources, strings.TrimSpace(text))
			}
		},
	})
	if err != nil {
		return err
	}
	if !hasPackages {
		return syntax(0, "<coverage> has no <packages>")
	}
	for name, found := range raw.files {
		lines := into.file(underSource(sources, name))
		for n, hits := range found {
			lines[n] = max(lines[n], hits)
		}
	}
	return nil
}

func addCoberturaLine(b *builder, lines map[int]int, e element) error {
	line, err := e.lineNumber("number")
	if err != nil {
		return err
	}
	hits, err := e.number("hits")
	if err != nil {
		return err
	}
	lines[line] = max(lines[line], hits)
	return b.spend(1)
}

// underSource puts a relative file name under the source folder, where the
// report names exactly one; of several, only the checkout can tell (Resolve).
func underSource(sources []string, name string) string {
	if len(sources) != 1 || absolute(name) || !absolute(slashed(sources[0])) {
		return name
	}
	return path.Join(slashed(sources[0]), name)
}
