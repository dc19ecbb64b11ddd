package coverage

import "slices"

// decodeJaCoCo reads <package name><sourcefile name><line nr mi ci>. JaCoCo
// counts instructions and not runs, so that a line that ran has one hit. The
// path is the package's folder and the file's name; Resolve finds the file.
func decodeJaCoCo(data []byte, into *builder) error {
	pkg := ""
	var lines map[int]int
	return walkXML(data, visitor{start: func(path []string, e element) error {
		switch e.name {
		case "package":
			pkg = e.attr("name")
		case "sourcefile":
			if e.attr("name") == "" || !slices.Contains(path, "package") {
				return syntax(e.line, "<sourcefile> has no name, or stands outside a <package>")
			}
			name := e.attr("name")
			if pkg != "" {
				name = pkg + "/" + name
			}
			lines = into.file(name)
		case "line":
			if last(path) != "sourcefile" {
				return syntax(e.line, "<line> stands outside a <sourcefile>")
			}
			return addJaCoCoLine(into, lines, e)
		}
		return nil
	}})
}

func addJaCoCoLine(b *builder, lines map[int]int, e element) error {
	line, err := e.lineNumber("nr")
	if err != nil {
		return err
	}
	covered, err := e.number("ci")
	if err != nil {
		return err
	}
	lines[line] = max(lines[line], min(covered, 1))
	return b.spend(1)
}
