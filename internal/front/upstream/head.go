package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// Head is the first part of a response.
type Head struct {
	Status  int
	Length  int64  // of the body in bytes; -1 when only the end tells
	Stream  bool   // the content type is text/event-stream
	Upgrade string // the protocol that a 101 switches to
	Trailer bool   // trailer fields are announced
	Close   bool   // the worker closes the connection after this response

	chunked bool
	coded   bool // a transfer coding was named
	sized   bool // a length was named
	minor   byte // '0' or '1' of HTTP/1.x
	listed  []string
}

// ReadHead reads one head and puts its end-to-end fields into header: fields
// that belong to the connection are left out. Heads with a status of 1xx other
// than 101 come before the final one; call it again for that.
func (c *Conn) ReadHead(method string, header http.Header) (Head, error) {
	end, err := c.awaitHead()
	if err != nil {
		if errors.Is(err, io.EOF) && !errors.Is(err, ErrNoReply) {
			err = fmt.Errorf("%w: end within the head", ErrCut)
		}
		return Head{}, err
	}
	block := string(c.buf[c.r:end])
	c.r = end
	head, err := parseHead(block, header)
	if err != nil {
		return Head{}, err
	}
	c.frame(method, &head)
	return head, nil
}

// awaitHead reads until the empty line and returns the index after it. Every
// line is looked at as it comes, so that a reply with bare line feeds is
// refused at once and not when the deadline strikes.
func (c *Conn) awaitHead() (int, error) {
	at, line := 0, 0 // offsets from c.r: where to look on, where the line began
	for {
		unread := c.buf[c.r:c.w]
		if !startsLikeHTTP(unread) {
			return 0, fmt.Errorf("%w: it does not begin with HTTP/1", ErrMalformed)
		}
		for {
			i := bytes.IndexByte(unread[at:], '\n')
			if i < 0 {
				at = len(unread)
				break
			}
			at += i
			if at == 0 || unread[at-1] != '\r' {
				return 0, fmt.Errorf("%w: a bare line feed in the head", ErrMalformed)
			}
			at++
			if at == line+2 {
				return c.r + at, nil
			}
			line = at
		}
		if at >= c.client.limits.Head {
			return 0, fmt.Errorf("%w: more than %d bytes of head", ErrMalformed, c.client.limits.Head)
		}
		if err := c.fill(c.client.limits.Head); err != nil {
			return 0, err
		}
	}
}

func startsLikeHTTP(b []byte) bool {
	const start = "HTTP/1."
	n := min(len(b), len(start))
	return string(b[:n]) == start[:n]
}

// parseHead takes a head apart, from the status line to the empty line.
func parseHead(block string, header http.Header) (Head, error) {
	head := Head{Length: -1}
	line, rest, err := cutLine(block)
	if err == nil {
		err = head.statusLine(line)
	}
	if err != nil {
		return head, err
	}
	values := make([]string, strings.Count(rest, "\n"))
	for {
		line, rest, err = cutLine(rest)
		if err != nil {
			return head, err
		}
		if line == "" {
			break
		}
		name, value, err := cutField(line)
		if err != nil {
			return head, err
		}
		keep, err := head.field(name, value)
		if err != nil {
			return head, err
		}
		if keep && len(values) > 0 {
			add(header, name, value, &values)
		}
	}
	if rest != "" {
		return head, fmt.Errorf("%w: bytes after the head", ErrMalformed)
	}
	if head.coded && (head.sized || head.minor == '0') {
		return head, fmt.Errorf("%w: a transfer coding beside a length, or in HTTP/1.0", ErrMalformed)
	}
	for _, name := range head.listed {
		delete(header, name)
	}
	return head, nil
}

func add(header http.Header, name, value string, values *[]string) {
	if before := header[name]; before != nil {
		header[name] = append(before, value)
		return
	}
	(*values)[0] = value
	header[name] = (*values)[:1:1]
	*values = (*values)[1:]
}

// cutLine splits off one line that ends with CR LF and holds no other CR or LF.
func cutLine(s string) (line, rest string, err error) {
	i := strings.IndexByte(s, '\n')
	if i < 1 || s[i-1] != '\r' {
		return "", "", fmt.Errorf("%w: a line without CR LF", ErrMalformed)
	}
	if strings.IndexByte(s[:i-1], '\r') >= 0 {
		return "", "", fmt.Errorf("%w: a bare CR", ErrMalformed)
	}
	return s[:i-1], s[i+1:], nil
}

// statusLine parses "HTTP/1.1 200 OK" (RFC 9112, section 4); a missing reason
// and the space before it are forgiven, as many servers leave them out.
func (h *Head) statusLine(s string) error {
	if len(s) < len("HTTP/1.1 200") || s[:7] != "HTTP/1." || s[7] != '0' && s[7] != '1' || s[8] != ' ' {
		return fmt.Errorf("%w: the status line", ErrMalformed)
	}
	for _, digit := range []byte(s[9:12]) {
		if digit < '0' || digit > '9' {
			return fmt.Errorf("%w: the status is no number", ErrMalformed)
		}
		h.Status = 10*h.Status + int(digit-'0')
	}
	if h.Status < 100 || h.Status > 599 || len(s) > 12 && s[12] != ' ' || !textOnly(s[12:]) {
		return fmt.Errorf("%w: the status line", ErrMalformed)
	}
	h.minor, h.Close = s[7], s[7] == '0'
	return nil
}

// cutField splits "Name: value" and makes the name canonical.
func cutField(line string) (name, value string, err error) {
	i := strings.IndexByte(line, ':')
	if i < 1 {
		return "", "", fmt.Errorf("%w: a field without a name", ErrMalformed)
	}
	name = line[:i]
	if !validName(name) { // an obsolete fold begins with a space and ends here
		return "", "", fmt.Errorf("%w: the name of a field", ErrMalformed)
	}
	value = textproto.TrimString(line[i+1:])
	if !textOnly(value) {
		return "", "", fmt.Errorf("%w: a control character in a field", ErrMalformed)
	}
	return textproto.CanonicalMIMEHeaderKey(name), value, nil
}

func validName(name string) bool {
	for i := range len(name) {
		if !isToken(name[i]) {
			return false
		}
	}
	return name != ""
}

// ValidField reports whether the name is a token and the value has no control
// character. net/http looks at the fields of a head, but not at a trailer's.
func ValidField(name, value string) bool { return validName(name) && textOnly(value) }

// textOnly reports whether s has no control character but the tab.
func textOnly(s string) bool {
	for i := range len(s) {
		if b := s[i]; b < ' ' && b != '\t' || b == 0x7f {
			return false
		}
	}
	return true
}

// isToken reports whether b may stand in a token (RFC 9110, section 5.6.2).
func isToken(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}

// field takes note of a field that frames the message, and says whether it goes
// on to the client.
func (h *Head) field(name, value string) (bool, error) {
	switch name {
	case "Content-Length":
		if h.sized {
			return false, fmt.Errorf("%w: two lengths", ErrMalformed)
		}
		length, err := parseLength(value)
		h.sized, h.Length = true, length
		return true, err
	case "Transfer-Encoding":
		if h.coded || !strings.EqualFold(value, "chunked") {
			return false, fmt.Errorf("%w: the transfer coding %q", ErrMalformed, value)
		}
		h.coded, h.chunked = true, true
		return false, nil
	case "Connection":
		h.connection(value)
		return false, nil
	case "Upgrade":
		h.Upgrade = value
		return false, nil
	case "Trailer":
		h.Trailer = true
		return true, nil
	case "Content-Type":
		h.Stream = len(value) >= 17 && strings.EqualFold(value[:17], "text/event-stream")
		return true, nil
	}
	return !HopByHop(name), nil
}

func (h *Head) connection(value string) {
	for option := range strings.SplitSeq(value, ",") {
		option = textproto.TrimString(option)
		switch {
		case strings.EqualFold(option, "close"):
			h.Close = true
		case strings.EqualFold(option, "keep-alive"): // HTTP/1.0 is closed all the same
		case option != "":
			h.listed = append(h.listed, textproto.CanonicalMIMEHeaderKey(option))
		}
	}
}

func parseLength(s string) (int64, error) {
	if s == "" || len(s) > 18 {
		return 0, fmt.Errorf("%w: the length %q", ErrMalformed, s)
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, fmt.Errorf("%w: the length %q", ErrMalformed, s)
		}
	}
	length, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: the length %q", ErrMalformed, s)
	}
	return length, nil
}

// HopByHop reports whether the field, by its canonical name, belongs to one
// connection alone (RFC 9110, section 7.6.1, and the older ones).
func HopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Proxy-Authenticate", "Proxy-Authorization", "Http2-Settings":
		return true
	}
	return false
}
