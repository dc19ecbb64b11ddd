package report

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

const (
	textLimit    = 4 << 10  // bytes of one field of a verdict
	excerptLimit = 16 << 10 // bytes of one excerpt
	excerptCount = 100
	labelLimit   = 300 // bytes of a name, an id, a path
)

// bounded returns a copy of the run that every format can write as it is
// escaped: outcomes settled, every text valid UTF-8 and of limited length.
func (r Run) bounded() Run {
	for _, s := range []*string{
		&r.Application.Name, &r.Application.Digest, &r.Application.Commit, &r.Application.Manifest,
		&r.Tool, &r.Host.System, &r.Host.Kernel, &r.Bundle,
	} {
		*s = clip(*s, labelLimit)
	}
	r.Next = clip(r.Next, textLimit)
	r.Repeats = max(r.Repeats, 1)
	r.Took.Probes = mapped(r.Took.Probes, func(t Timing) Timing {
		return Timing{clip(t.Name, labelLimit), t.Took}
	})
	r.Host.Restrictions = mapped(r.Host.Restrictions, func(r Restriction) Restriction {
		return Restriction{clip(r.Refused, textLimit), clip(r.Allow, textLimit), mapped(r.Affects, label)}
	})
	r.Requirements = mapped(r.Requirements, Requirement.bounded)
	r.Excerpts = mapped(r.Excerpts[:min(len(r.Excerpts), excerptCount)], func(e Excerpt) Excerpt {
		return Excerpt{label(e.Claim), label(e.Title), clip(e.Text, excerptLimit)}
	})
	return r
}

func (r Requirement) bounded() Requirement {
	r = r.settled()
	r.ID, r.Title = label(r.ID), label(r.Title)
	r.Claims = mapped(r.Claims, func(c Claim) Claim {
		v := &c.Verdict
		for _, s := range []*string{
			&c.Says, &c.Stimulus, &c.PassRule, &c.Remedy, &c.Blind,
			&v.Did, &v.Expected, &v.Seen, &v.Why, &v.Remedy,
		} {
			*s = clip(*s, textLimit)
		}
		c.ID, c.Requirement, v.Claim, v.By = label(c.ID), label(c.Requirement), label(v.Claim), label(v.By)
		c.Cheats = mapped(c.Cheats, label)
		return c
	})
	return r
}

func label(s string) string { return clip(s, labelLimit) }

// clip makes s valid UTF-8 and at most limit bytes long, and says so where it
// left something out. Broken bytes become visible: "\xff".
func clip(s string, limit int) string {
	whole := len(s)
	if whole > limit {
		s = s[:limit]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) { // do not break a rune in two
			s = s[:len(s)-1]
		}
		if r, size := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && size == 1 {
			s = s[:len(s)-1]
		}
	}
	s = visible(s)
	if whole > limit {
		s += fmt.Sprintf(" … [cut: %d bytes in all]", whole)
	}
	return s
}

// visible turns bytes that are not UTF-8 into escapes.
func visible(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

func mapped[T, U any](list []T, f func(T) U) []U {
	if list == nil {
		return nil
	}
	out := make([]U, len(list))
	for i, item := range list {
		out[i] = f(item)
	}
	return out
}

// ShortDigest returns the first twelve digits of a digest, its algorithm kept.
func (a Application) ShortDigest() string {
	algorithm, hex, found := strings.Cut(a.Digest, ":")
	if !found {
		return short(a.Digest, 12)
	}
	return algorithm + ":" + short(hex, 12)
}

// ShortCommit returns the first ten digits of the commit, marked where the
// tree was dirty.
func (a Application) ShortCommit() string {
	commit := short(a.Commit, 10)
	switch {
	case commit == "":
		return "none"
	case a.Dirty:
		return commit + " + uncommitted changes"
	}
	return commit
}

func short(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return visible(s[:n])
}

// manifestPath returns where the manifest lies in the repository; never a path
// out of it.
func (a Application) manifestPath() string {
	p := path.Clean(a.Manifest)
	if a.Manifest == "" || path.IsAbs(p) || p == ".." || strings.HasPrefix(p, "../") {
		return "roadworthy.yaml"
	}
	return p
}

// each calls f for every claim of the run with its requirement.
func (r Run) each(f func(Requirement, Claim)) {
	for _, requirement := range r.Requirements {
		for _, claim := range requirement.Claims {
			f(requirement, claim)
		}
	}
}

// allow returns the command that lets the host prove a claim, or "".
func (h Host) allow(claim Claim) string {
	for _, restriction := range h.Restrictions {
		for _, id := range restriction.Affects {
			if id == claim.ID || id == claim.Requirement {
				return restriction.Allow
			}
		}
	}
	return ""
}
