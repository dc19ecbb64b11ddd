package coverage

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

const maxDepth = 64

// element is one start tag with its place.
type element struct {
	name  string
	attrs []xml.Attr
	line  int
}

func (e element) attr(name string) string {
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// number returns a required attribute that is a natural number.
func (e element) number(name string) (int, error) {
	text := e.attr(name)
	if text == "" {
		return 0, syntax(e.line, "<%s> has no %s", e.name, name)
	}
	n, ok := natural(text)
	if !ok {
		return 0, syntax(e.line, "%s=%q of <%s> is not a number", name, text, e.name)
	}
	return n, nil
}

// lineNumber returns a required attribute that is the number of a line.
func (e element) lineNumber(name string) (int, error) {
	n, err := e.number(name)
	if err == nil && (n < 1 || n > maxLine) {
		err = syntax(e.line, "%s=\"%d\" of <%s> is out of range", name, n, e.name)
	}
	return n, err
}

// visitor is called for each start tag with the names of the elements around
// it, outermost first, and for the text directly inside an element.
type visitor struct {
	start func(path []string, e element) error
	text  func(path []string, text string)
}

var errStop = errors.New("enough was read")

// walkXML walks the document. encoding/xml expands none but the five
// predefined entities and fetches nothing; a DTD that declares any is refused
// all the same, so that the reason is said.
func walkXML(data []byte, v visitor) error {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	var path []string
	seen := false
	for {
		token, err := decoder.Token()
		line, _ := decoder.InputPos()
		if errors.Is(err, io.EOF) {
			if !seen {
				return syntax(line, "no element is in it")
			}
			return nil
		}
		if err != nil {
			return xmlError(err, line)
		}
		if start, ok := token.(xml.StartElement); ok {
			if len(path) >= maxDepth || (len(path) == 0 && seen) {
				return syntax(line, "it nests deeper than %d or has two roots", maxDepth)
			}
			seen = true
			if err := v.start(path, element{start.Name.Local, start.Attr, line}); err != nil {
				return err
			}
			path = append(path, start.Name.Local)
		} else if path, err = v.other(token, path, line); err != nil {
			return err
		}
	}
}

// other takes every token but a start tag and returns the path after it.
func (v visitor) other(token xml.Token, path []string, line int) ([]string, error) {
	switch t := token.(type) {
	case xml.Directive:
		if bytes.Contains(t, []byte("<!ENTITY")) {
			return nil, syntax(line, "it declares entities, which no coverage tool does")
		}
	case xml.EndElement:
		return path[:len(path)-1], nil
	case xml.CharData:
		if v.text != nil && len(path) > 0 {
			v.text(path, string(t))
		}
	}
	return path, nil
}

func xmlError(err error, line int) error {
	if bad, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return syntax(bad.Line, "%s", bad.Msg)
	}
	return syntax(line, "%s", strings.TrimPrefix(err.Error(), "xml: "))
}

// rootAndChild returns the names of the root and of its first child that
// tells formats apart.
func rootAndChild(data []byte) (root, child string, err error) {
	err = walkXML(data, visitor{start: func(path []string, e element) error {
		switch {
		case len(path) == 0:
			root = e.name
		case len(path) == 1 && e.name != "sources" && e.name != "sessioninfo":
			child = e.name
			return errStop
		}
		return nil
	}})
	if errors.Is(err, errStop) {
		err = nil
	}
	return root, child, err
}

func last(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return path[len(path)-1]
}
