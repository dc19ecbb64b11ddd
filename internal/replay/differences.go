package replay

import (
	"fmt"
	"slices"
	"strings"
)

// Session is the replies of one run, in order.
type Session []Reply

// Difference is one place where a run departs from the plain ones.
type Difference struct {
	Request string // "GET /"
	Step    int    // index of the declared step
	What    string // in a few words
}

// String says it in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s (step %d): %s", d.Request, d.Step+1, d.What)
}

// Differences says where a run departs from plain ones of the same session.
// What differs among the plain runs themselves is left out, except in how
// often the session's own text shows. Without two plain runs nothing can be
// called noise, and everything counts.
func Differences(plain []Session, run Session) []Difference {
	var list []Difference
	if len(plain) == 0 {
		return nil
	}
	for i, reply := range run {
		var same []Reply
		for _, p := range plain {
			if i < len(p) {
				same = append(same, p[i])
			}
		}
		if len(same) == 0 {
			return append(list, Difference{reply.Request, reply.Step, "a reply that no plain run had"})
		}
		if what := departs(same, reply); what != "" {
			list = append(list, Difference{reply.Request, reply.Step, what})
		}
	}
	if len(run) < len(plain[0]) && len(run) < len(plain[len(plain)-1]) {
		missing := plain[0][len(run)]
		list = append(list, Difference{missing.Request, missing.Step, "no such reply came"})
	}
	return list
}

// Unsteady says where plain runs do not agree on a status or on how often the
// session's own text shows: no mask can be learned from such runs.
func Unsteady(plain []Session) []Difference {
	var list []Difference
	for _, p := range plain[min(1, len(plain)):] {
		for i := range min(len(p), len(plain[0])) {
			if p[i].Own != plain[0][i].Own || p[i].Status != plain[0][i].Status {
				list = append(list, Difference{p[i].Request, p[i].Step, own(plain[0][i], p[i])})
			}
		}
	}
	return list
}

func own(want, got Reply) string {
	if want.Status != got.Status {
		return fmt.Sprintf("status %d instead of %d", got.Status, want.Status)
	}
	return fmt.Sprintf("what the session had entered shows %d times instead of %d", got.Own, want.Own)
}

// departs compares one reply with the plain ones at its place.
func departs(plain []Reply, reply Reply) string {
	odd := func(of func(Reply) string) bool {
		return !slices.ContainsFunc(plain, func(p Reply) bool { return of(p) == of(reply) })
	}
	switch {
	case odd(func(r Reply) string { return fmt.Sprint(r.Status, r.Err != "") }):
		if reply.Err != "" {
			return reply.Err
		}
		return own(plain[0], reply)
	case odd(func(r Reply) string { return fmt.Sprint(r.Own) }):
		return own(plain[0], reply)
	case odd(func(r Reply) string { return r.Head }):
		return fmt.Sprintf("%s instead of %s", reply.Head, plain[0].Head)
	}
	return body(plain, reply)
}

// body compares bodies piece by piece, without the pieces in which the plain
// runs differ.
func body(plain []Reply, reply Reply) string {
	lengths := map[int]bool{}
	for _, p := range plain {
		lengths[len(p.Pieces)] = true
	}
	if len(lengths) > 1 {
		return lacks(plain, reply)
	}
	first := plain[0].Pieces
	if len(reply.Pieces) != len(first) {
		return fmt.Sprintf("%d pieces of text instead of %d", len(reply.Pieces), len(first))
	}
	for i, piece := range reply.Pieces {
		steady := !slices.ContainsFunc(plain, func(p Reply) bool { return p.Pieces[i] != first[i] })
		if steady && piece != first[i] {
			return fmt.Sprintf("%q instead of %q", piece, first[i])
		}
	}
	return ""
}

// lacks compares bodies of varying length: what all plain runs hold must be there.
func lacks(plain []Reply, reply Reply) string {
	left := map[string]int{}
	for _, piece := range reply.Pieces {
		left[piece]++
	}
	for _, piece := range plain[0].Pieces {
		common := !slices.ContainsFunc(plain, func(p Reply) bool { return !slices.Contains(p.Pieces, piece) })
		if left[piece]--; common && left[piece] < 0 && !slices.Contains(reply.Pieces, piece) {
			return fmt.Sprintf("%q is missing", piece)
		}
	}
	return ""
}

// Carries reports whether a session shows that anything is kept between its
// requests: a later reply shows what an earlier request had entered, or a
// cookie was set.
func Carries(s Session) bool {
	return slices.ContainsFunc(s, func(r Reply) bool { return r.Carried || r.Cookie })
}

// Departing counts the runs that depart from the plain ones, and gives the
// first difference of the first of them.
func Departing(plain, runs []Session) (count int, first Difference) {
	for _, session := range runs {
		if list := Differences(plain, session); len(list) > 0 {
			if count++; count == 1 {
				first = list[0]
			}
		}
	}
	return count, first
}

// Settled reports whether further runs, up to so many in all, cannot change
// whether most of them depart from the plain ones.
func Settled(plain, runs []Session, most int) bool {
	departing, _ := Departing(plain, runs)
	return departing == 0 || 2*departing > most
}

// Refused names a reply that is none of an ordinary session: an error, or a
// status of 400 and above. It is "" where there is none.
func Refused(sessions []Session) string {
	for _, session := range sessions {
		for _, r := range session {
			if r.Err != "" || r.Status == 0 || r.Status >= 400 {
				return strings.TrimSpace(fmt.Sprintf("%s was answered with status %d %s", r.Request, r.Status, r.Err))
			}
		}
	}
	return ""
}
