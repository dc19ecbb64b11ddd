// Package replay compares what an application answered in several runs of one
// session, and tells noise from state.
//
// A [Raw] reply becomes a [Reply]: the session's own text, the values of
// settings, addresses, times and long random words are replaced by names, and
// the body is cut into pieces. What still differs between two plain runs is
// noise, piece by piece; [Differences] then says where another run departs
// from them. How often the session's own text shows is never noise.
//
// The room is pure data and text: it sends no request, reads no clock, and
// judges import it. It must keep no value of a setting, and every reply that
// it makes is bounded in size. Read next: differences.go, then
// internal/probe/stateless.
package replay

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Raw is one reply as it came.
type Raw struct {
	Step     int    // index of the declared step that it belongs to
	Method   string //
	Target   string // path and query of the request
	Sent     string // what else the request carried: its body
	Status   int    // 0 where nothing came back
	Err      string //
	Location string // of a redirect
	Cookies  []string
	Type     string // content type
	Body     string
}

// Reply is one reply that can be compared with another.
type Reply struct {
	Step    int      `json:"step"`
	Request string   `json:"request"`
	Status  int      `json:"status"` // 0 where nothing came back
	Err     string   `json:"err,omitempty"`
	Head    string   `json:"head"`             // content type, redirect and the names of cookies that it set
	Own     int      `json:"own"`              // how often the session's own text shows in the body
	Carried bool     `json:"carried"`          // it shows, though this request did not carry it
	Cookie  bool     `json:"cookie"`           // it set a cookie
	Pieces  []string `json:"pieces,omitempty"` // the body, cut up; at most maxPieces of maxPiece bytes
}

const (
	maxPieces = 200
	maxPiece  = 120 // bytes
	ownName   = "$nonce"
)

// noise is text that differs by its nature.
var noise = []struct {
	form *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`\b(127\.0\.0\.1|localhost)(:\d+)?`), "$host"},
	{regexp.MustCompile(`\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, \d{1,2} [A-Z][a-z]{2,8} \d{4}`), "$date"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?`), "$date"},
	{regexp.MustCompile(`\b\d{1,2}:\d\d(:\d\d(\.\d+)?)?( ?[AaPp]\.?[Mm]\b\.?)?`), "$time"},
	{regexp.MustCompile(`\b1\d{9}(\d{3})?(\.\d+)?\b`), "$time"},
	{regexp.MustCompile(`\b\d+(\.\d+)? ?(ns|µs|us|ms|s|secs?|seconds?|milliseconds?|minutes?)\b`), "$duration"},
}

var word = regexp.MustCompile(`[A-Za-z0-9_-]{20,}`)

// Names are the values of settings and services that a reply may show, by
// value, with the name that takes their place.
type Names map[string]string

// Normalise makes a reply comparable. Own is the text of this session alone.
func Normalise(raw Raw, own string, names Names) Reply {
	clean := cleaner(own, names)
	r := Reply{
		Step: raw.Step, Request: raw.Method + " " + clip(clean(raw.Target)), Status: raw.Status, Err: raw.Err, Cookie: len(raw.Cookies) > 0,
	}
	cookies := slices.Sorted(slices.Values(raw.Cookies))
	r.Head = fmt.Sprintf("type %q, location %q, cookies %q", clip(raw.Type), clip(clean(raw.Location)), cookies)
	r.Own = strings.Count(raw.Body, own)
	r.Carried = r.Own > 0 && !strings.Contains(raw.Target+raw.Sent, own)
	r.Pieces = cut(clean(raw.Body))
	return r
}

// cleaner replaces what is known by value first, longest first, then by form.
func cleaner(own string, names Names) func(string) string {
	values := []string{}
	for value := range names {
		if len(value) >= 5 { // shorter ones are words like "3" that stand everywhere
			values = append(values, value)
		}
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	pairs := []string{own, ownName}
	for _, value := range values {
		pairs = append(pairs, value, "$"+names[value])
	}
	known := strings.NewReplacer(pairs...)
	return func(text string) string {
		text = known.Replace(text)
		for _, n := range noise {
			text = n.form.ReplaceAllLiteralString(text, n.name)
		}
		return word.ReplaceAllStringFunc(text, func(w string) string {
			if strings.ContainsAny(w, "0123456789") && strings.ContainsAny(strings.ToLower(w), "abcdefghijklmnopqrstuvwxyz") {
				return "$word"
			}
			return w
		})
	}
}

// cut splits a body where a reader would: at lines, tags and list items.
func cut(body string) []string {
	var pieces []string
	for part := range strings.SplitAfterSeq(strings.NewReplacer(">", ">\n", ",", ",\n", ";", ";\n").Replace(body), "\n") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if len(pieces) == maxPieces-1 {
			rest := fnv.New64a()
			_, _ = rest.Write([]byte(body))
			return append(pieces, fmt.Sprintf("… %d bytes in all, digest %x", len(body), rest.Sum64()))
		}
		pieces = append(pieces, clip(part))
	}
	return pieces
}

// clip bounds a piece; a digest stands for what is left out.
func clip(text string) string {
	if len(text) <= maxPiece {
		return text
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(text))
	head := text[:maxPiece-20]
	for !utf8.ValidString(head) && len(head) > 0 {
		head = head[:len(head)-1]
	}
	return fmt.Sprintf("%s… digest %x", head, sum.Sum32())
}
