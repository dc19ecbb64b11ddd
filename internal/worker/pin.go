package worker

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// generation is a spec whose paths are resolved once and for all.
type generation struct {
	number int
	spec   Spec
	ids    *identity // nil is the master's own

	// guarded by Supervisor.mu
	crashes int  // early deaths since one of the generation outlived MinUptime
	open    bool // the breaker: only one slot tries at a time
	trying  bool // a slot tries while the breaker is open
}

// identity is a resolved user.
type identity struct {
	UID    int   `json:"uid"`
	GID    int   `json:"gid"`
	Groups []int `json:"groups,omitempty"`
}

// give makes the user the owner of files and of the folder that they lie in.
// The folder comes last: from then on the user may put links in their place.
func (id *identity) give(dir string, files ...string) error {
	for _, path := range append(files, dir) {
		if err := os.Lchown(path, id.UID, id.GID); err != nil {
			return err
		}
	}
	return nil
}

// pin resolves the folder, the program and the user of a spec. Links in the
// folder are followed, and paths below the folder in arguments and environment
// are rewritten with it, so that a "current" link that is moved later changes
// nothing. Of the program only the folder is resolved: interpreters in virtual
// environments and multi-call binaries depend on their own name.
func pin(spec Spec, number int) (*generation, error) {
	spec = spec.withDefaults()
	if err := spec.validate(); err != nil {
		return nil, fmt.Errorf("check the process type: %w", err)
	}
	given := spec.Dir
	if given == "" {
		given = "."
	}
	absolute, err := filepath.Abs(given)
	if err != nil {
		return nil, fmt.Errorf("resolve the folder %s: %w", spec.Dir, err)
	}
	dir, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		return nil, fmt.Errorf("resolve the folder %s: %w", spec.Dir, err)
	}
	spec.Dir = dir
	spec.Env = rewrite(spec.Env, absolute, dir)
	spec.Command = rewrite(spec.Command, absolute, dir)
	if spec.Command[0], err = program(spec.Command[0], dir, spec.Env); err != nil {
		return nil, fmt.Errorf("find the program %s: %w", spec.Command[0], err)
	}
	g := &generation{number: number, spec: spec}
	if g.ids, err = lookup(spec.Limits); err != nil {
		return nil, fmt.Errorf("find the user: %w", err)
	}
	return g, nil
}

// rewrite replaces the folder from by to where a path begins with it: at the
// start of an argument, behind = and behind each colon.
func rewrite(texts []string, from, to string) []string {
	list := make([]string, len(texts))
	for i, text := range texts {
		key, value, assigned := strings.Cut(text, "=")
		if !assigned {
			key, value = "", text
		} else {
			key += "="
		}
		parts := strings.Split(value, ":")
		for j, part := range parts {
			if rest, ok := strings.CutPrefix(part, from); ok && from != to && (rest == "" || rest[0] == '/') {
				parts[j] = to + rest
			}
		}
		list[i] = key + strings.Join(parts, ":")
	}
	return list
}

// program finds a program in the folder or the PATH of the environment given,
// and resolves its folder.
func program(name, dir string, env []string) (string, error) {
	candidates := []string{name}
	switch {
	case filepath.IsAbs(name):
	case strings.Contains(name, "/"):
		candidates = []string{filepath.Join(dir, name)}
	default:
		candidates = nil
		for _, folder := range filepath.SplitList(value(env, "PATH", "/usr/local/bin:/usr/bin:/bin")) {
			if filepath.IsAbs(folder) {
				candidates = append(candidates, filepath.Join(folder, name))
			}
		}
	}
	var last error
	for _, path := range candidates {
		found, err := exec.LookPath(path)
		if err != nil {
			if !os.IsNotExist(err) || len(candidates) == 1 {
				last = err
			}
			continue
		}
		folder, err := filepath.EvalSymlinks(filepath.Dir(found))
		if err != nil {
			return "", err
		}
		return filepath.Join(folder, filepath.Base(found)), nil
	}
	return "", firstOf(last, exec.ErrNotFound)
}

// value returns a variable of an environment, the last where it is set twice.
func value(env []string, key, otherwise string) string {
	for _, pair := range env {
		if v, ok := strings.CutPrefix(pair, key+"="); ok {
			otherwise = v
		}
	}
	return otherwise
}

// lookup resolves user and group by name or number.
func lookup(l Limits) (*identity, error) {
	if l.User == "" && l.Group == "" {
		return nil, nil
	}
	ids := &identity{UID: os.Getuid(), GID: os.Getgid()}
	if l.User != "" {
		if err := ids.become(l.User); err != nil {
			return nil, err
		}
	}
	if l.Group == "" {
		return ids, nil
	}
	g, err := user.LookupGroup(l.Group)
	if err != nil {
		if g, err = user.LookupGroupId(l.Group); err != nil {
			return nil, err
		}
	}
	ids.GID, err = strconv.Atoi(g.Gid)
	return ids, err
}

// become fills in a user's ids and groups.
func (id *identity) become(name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return err
		}
	}
	uid, failed := strconv.Atoi(u.Uid)
	gid, err := strconv.Atoi(u.Gid)
	if err := firstOf(failed, err); err != nil {
		return err
	}
	groups, err := u.GroupIds()
	if err != nil {
		return err
	}
	id.UID, id.GID = uid, gid
	for _, g := range groups {
		if n, err := strconv.Atoi(g); err == nil {
			id.Groups = append(id.Groups, n)
		}
	}
	return nil
}
