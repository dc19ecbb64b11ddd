package coverage

import (
	"bytes"
	"fmt"
)

type decoder func(data []byte, into *builder) error

// detect tells the format from the first bytes that carry meaning.
func detect(data []byte) (string, decoder, error) {
	text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(text) == 0:
		return "", nil, fmt.Errorf("%w: it is empty", ErrFormat)
	case bytes.HasPrefix(text, []byte("mode:")):
		return FormatGo, decodeGo, nil
	case text[0] == '{':
		return FormatCoveragePy, decodeCoveragePy, nil
	case text[0] == '<':
		return detectXML(data)
	case looksLikeLCOV(text):
		return FormatLCOV, decodeLCOV, nil
	}
	return "", nil, fmt.Errorf("%w: it begins with %q", ErrFormat, text[:min(len(text), 20)])
}

func detectXML(data []byte) (string, decoder, error) {
	root, child, err := rootAndChild(data)
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("read as XML: %w", err)
	case root == "report":
		return FormatJaCoCo, decodeJaCoCo, nil
	case root == "coverage" && child == "project":
		return "", nil, fmt.Errorf("%w: it is Clover XML; have the tool write Cobertura", ErrFormat)
	case root == "coverage":
		return FormatCobertura, decodeCobertura, nil
	}
	return "", nil, fmt.Errorf("%w: it is XML with the root <%s>", ErrFormat, root)
}

func looksLikeLCOV(text []byte) bool {
	for _, prefix := range []string{"TN:", "SF:", "#"} {
		if bytes.HasPrefix(text, []byte(prefix)) {
			return prefix != "#" || bytes.Contains(text, []byte("\nSF:"))
		}
	}
	return false
}
