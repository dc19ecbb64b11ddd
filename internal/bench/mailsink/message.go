package mailsink

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDepth bounds how deep multiparts may nest.
const maxDepth = 10

// Message is one accepted mail.
type Message struct {
	Received  time.Time
	From      string   // of the envelope; empty for a bounce
	To        []string // of the envelope, in the order of RCPT
	Data      []byte   // header and body as sent, at most 1 MiB
	Truncated bool     // more was sent than Data holds
	TLS       bool     // it came after STARTTLS
	User      string   // from AUTH; empty without
}

// Subject returns the decoded subject (RFC 2047), or "" if there is none or
// the mail has no header that parses.
func (m Message) Subject() string {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		return ""
	}
	raw := parsed.Header.Get("Subject")
	decoder := mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
		b, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		return strings.NewReader(toUTF8(b, charset)), nil
	}}
	if decoded, err := decoder.DecodeHeader(raw); err == nil {
		return decoded
	}
	return raw
}

// Text returns every textual part of the mail (plain, HTML, attached text and
// attached mails), decoded and joined by line feeds. What does not parse is
// given as it stands, so that a search in Text misses nothing.
func (m Message) Text() string {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		return toUTF8(m.Data, "")
	}
	var parts []string
	collect(textproto.MIMEHeader(parsed.Header), parsed.Body, 0, &parts)
	return strings.Join(parts, "\n")
}

// collect appends the texts of one part. A cut or broken body gives what could
// be decoded of it.
func collect(h textproto.MIMEHeader, body io.Reader, depth int, parts *[]string) {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" && depth < maxDepth {
		r := multipart.NewReader(body, params["boundary"])
		for {
			part, err := r.NextRawPart()
			if err != nil {
				return
			}
			collect(part.Header, part, depth+1, parts)
		}
	}
	raw, _ := io.ReadAll(body) // the cut end of a part is no reason to drop it
	content := decodeTransfer(raw, h.Get("Content-Transfer-Encoding"))
	switch {
	case kind == "message/rfc822" && depth < maxDepth:
		if inner, err := mail.ReadMessage(bytes.NewReader(content)); err == nil {
			collect(textproto.MIMEHeader(inner.Header), inner.Body, depth+1, parts)
			return
		}
		fallthrough
	case strings.HasPrefix(kind, "text/"), strings.HasPrefix(kind, "multipart/"), strings.HasPrefix(kind, "message/"):
		*parts = append(*parts, toUTF8(content, params["charset"]))
	}
}

// decodeTransfer undoes a content transfer encoding (RFC 2045, section 6) as
// far as it goes.
func decodeTransfer(raw []byte, encoding string) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		out, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(raw)))
		if err != nil && len(out) == 0 {
			return raw
		}
		return out
	case "base64":
		packed := bytes.Join(bytes.Fields(raw), nil)
		out, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(packed)))
		if err != nil && len(out) == 0 {
			return raw
		}
		return out
	}
	return raw
}

// toUTF8 converts text. Whatever is not valid UTF-8 is taken as Latin-1, whose
// printable characters windows-1252 shares.
func toUTF8(b []byte, charset string) string {
	switch strings.ToLower(charset) {
	case "iso-8859-1", "latin1", "latin-1", "windows-1252", "iso-8859-15":
	default:
		if utf8.Valid(b) {
			return string(b)
		}
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// String is a line for people: when, from whom, to whom, about what.
func (m Message) String() string {
	return fmt.Sprintf("%s %s -> %s: %s", m.Received.Format(time.RFC3339), m.From, strings.Join(m.To, ", "), m.Subject())
}
