package mail

import (
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"
)

// Event is one error as it was seen. All but the fingerprint may be empty.
type Event struct {
	Fingerprint string     `json:"fingerprint"`          // what makes two errors the same kind
	Title       string     `json:"title"`                // "Type: message"
	Language    string     `json:"language,omitempty"`   //
	Text        string     `json:"text,omitempty"`       // the whole trace
	Where       string     `json:"where,omitempty"`      // the top frame within the application
	Worker      string     `json:"worker,omitempty"`     // such as "web.1"
	Release     string     `json:"release,omitempty"`    //
	Request     string     `json:"request,omitempty"`    // method and path
	RequestID   string     `json:"request_id,omitempty"` //
	Level       slog.Level `json:"level"`                //
	Time        time.Time  `json:"time"`                 // zero for now
}

const (
	maxText  = 24 << 10 // bytes of a trace that are kept
	maxWords = 500      // bytes of every other text
)

// capped bounds what an event costs in memory.
func (e Event) capped() Event {
	e.Text = capText(e.Text)
	for _, text := range []*string{&e.Fingerprint, &e.Title, &e.Language, &e.Where, &e.Worker, &e.Release, &e.Request, &e.RequestID} {
		*text = clip(*text, maxWords)
	}
	return e
}

// capText keeps the head and the tail of a long trace: the one tells how it
// was reached, the other what it was, and which is which differs by language.
func capText(text string) string {
	if len(text) <= maxText {
		return strings.Clone(text) // a line of a large buffer must not keep it alive
	}
	half := maxText/2 - 20
	return strings.ToValidUTF8(text[:half], "") + seam + strings.ToValidUTF8(text[len(text)-half:], "")
}

// seam stands where something was cut out of a text, ellipsis where its end was
// cut off. Either may have torn a secret: see [Scrubber.Scrub].
const (
	seam     = "\n… cut …\n"
	ellipsis = "…"
)

// clip shortens a text to a number of bytes, between two characters.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	limit -= len(ellipsis)
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + ellipsis
}
