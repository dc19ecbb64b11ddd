package statusroute

import (
	"slices"
	"strings"
)

// state is what a body says of something.
type state int

const (
	silent state = iota // nothing that can be told
	good
	bad
)

// answered reports whether a whole reply came that a machine can read.
func (p Poll) answered() bool { return p.Status != 0 && p.Form != "" }

// overall is what a poll says of the application as a whole: the HTTP status,
// then the status at the top of the body, then its worst part.
func (p Poll) overall(names []string) state {
	if p.Status >= 500 {
		return bad
	}
	if top := stateOf(p.top(names)); top != silent {
		return top
	}
	worst := silent
	for _, name := range names {
		worst = max(worst, stateOf(p.fragment(name, names)))
	}
	return worst
}

// healthy reports whether a poll says that all is well: 200, and no part of
// it says otherwise.
func (p Poll) healthy(names []string) bool {
	if p.Status != 200 || !p.answered() || p.overall(names) == bad {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool { return stateOf(p.fragment(name, names)) == bad })
}

// top returns the leaves that speak of the whole.
func (p Poll) top(names []string) []Leaf {
	var list []Leaf
	for _, leaf := range p.Leaves {
		if len(leaf.Path) == 1 && owner(leaf.Path[0], names) == "" && slices.Contains(stateKeys, strings.ToLower(leaf.Path[0])) {
			list = append(list, leaf)
		}
	}
	return list
}

// fragment returns the leaves that belong to a service, their paths relative
// to it: what stands below its name as a key, beside its name as a value, or
// the list that it is in.
func (p Poll) fragment(name string, names []string) []Leaf {
	var list []Leaf
	for _, leaf := range p.Leaves {
		if i := slices.IndexFunc(leaf.Path, func(key string) bool { return owner(key, names) == name }); i >= 0 {
			list = append(list, Leaf{Path: append(suffix(leaf.Path[i], name), leaf.Path[i+1:]...), Value: leaf.Value})
		}
	}
	for _, leaf := range p.Leaves {
		n := len(leaf.Path)
		if owner(leaf.Value, names) != name || n == 0 {
			continue
		}
		if key := strings.ToLower(leaf.Path[n-1]); slices.Contains(nameKeys, key) {
			list = append(list, p.beside(leaf.Path[:n-1], key)...)
		} else if n > 1 && isIndex(key) {
			list = append(list, Leaf{Path: []string{"state"}, Value: leaf.Path[n-2]})
		}
	}
	return list
}

// beside returns the leaves below a path, apart from the one that gives the name.
func (p Poll) beside(parent []string, except string) []Leaf {
	var list []Leaf
	for _, leaf := range p.Leaves {
		n := len(parent)
		if len(leaf.Path) > n && slices.Equal(leaf.Path[:n], parent) && strings.ToLower(leaf.Path[n]) != except {
			list = append(list, Leaf{Path: leaf.Path[n:], Value: leaf.Value})
		}
	}
	return list
}

// owner returns the service that a key speaks of: its name, or its name and a
// measurement as in "redis:connections", "redis_status". The longest wins, so
// that "db" does not speak for "db_replica".
func owner(key string, names []string) string {
	key, best := strings.ToLower(key), ""
	for _, name := range names {
		rest, ok := strings.CutPrefix(key, strings.ToLower(name))
		if ok && (rest == "" || strings.ContainsRune(":._-/ ", rune(rest[0]))) && len(name) > len(best) {
			best = name
		}
	}
	return best
}

// suffix is what a key says beyond the name, as a path: "redis_up" gives "up".
func suffix(key, name string) []string {
	if rest := strings.Trim(key[len(name):], ":._-/ "); rest != "" {
		return []string{rest}
	}
	return nil
}

func isIndex(key string) bool { return strings.HasPrefix(key, "[") }

// stateOf is the worst that leaves say.
func stateOf(leaves []Leaf) state {
	worst := silent
	for _, leaf := range leaves {
		worst = max(worst, leaf.state())
	}
	return worst
}

// fell reports whether the fragment of a service says that it fails, given
// what it said while all was well: by a word for it, or where it has no words
// that are known, by another value where all healthy polls had the same.
func fell(now Poll, healthy []Poll, name string, names []string) bool {
	fragment := now.fragment(name, names)
	if stateOf(fragment) != silent {
		return stateOf(fragment) == bad
	}
	for _, leaf := range fragment {
		if !leaf.tellsState() {
			continue
		}
		constant := len(healthy) > 0
		for _, poll := range healthy {
			constant = constant && slices.ContainsFunc(poll.fragment(name, names), func(before Leaf) bool {
				return slices.Equal(before.Path, leaf.Path) && before.Value != leaf.Value
			})
		}
		if constant && len(healthy) > 1 && same(healthy, leaf.Path, name, names) {
			return true
		}
	}
	return false
}

// same reports whether the value at a path was the same in all polls.
func same(polls []Poll, path []string, name string, names []string) bool {
	values := map[string]bool{}
	for _, poll := range polls {
		for _, leaf := range poll.fragment(name, names) {
			if slices.Equal(leaf.Path, path) {
				values[leaf.Value] = true
			}
		}
	}
	return len(values) == 1
}

// unwell reports whether a poll does what a cut asks for: it is not ok as a
// whole and marks the service.
func unwell(p Poll, healthy []Poll, name string, names []string) bool {
	if !p.answered() || !fell(p, healthy, name, names) {
		return false
	}
	overall := p.overall(names)
	return overall == bad || overall == silent && stateOf(p.fragment(name, names)) == silent
}

// well reports whether a poll says again what the healthy ones said.
func well(p Poll, healthy []Poll, names []string) bool {
	return p.healthy(names) && !slices.ContainsFunc(names, func(name string) bool { return fell(p, healthy, name, names) })
}

// noticed reports whether a cut was told of: not ok, and by that service's name.
func (c Cut) noticed(services []Service) bool {
	return c.Unwell != nil && unwell(*c.Unwell, c.Healthy, c.Service, names(services))
}
