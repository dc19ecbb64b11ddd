package artifact

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

func pack(t *testing.T, dir string, config Config, layoutDir string) Image {
	t.Helper()
	image, err := Pack(t.Context(), dir, config, layoutDir)
	must(t, err)
	return image
}

// program is an application with its build steps.
type program struct {
	needs string // a program that the build needs
	files map[string]string
	run   []string
}

var programs = map[string]program{
	"go": {"go", map[string]string{
		"go.mod": "module hello\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() { println(\"hello\") }\n",
	}, []string{"go build -trimpath -o bin/hello ."}},
	"python": {"python3", map[string]string{
		"app.py": "import lib.part\n", "lib/__init__.py": "", "lib/part.py": "X = 1\n", "run*": "#!/bin/sh\nexec python3 app.py\n",
	}, []string{"python3 app.py", "test -d lib/__pycache__"}},
	"node": {"npm", map[string]string{
		"package.json":      `{"name":"hello","version":"1.0.0","dependencies":{"tool":"file:./tool"}}`,
		"tool/package.json": `{"name":"tool","version":"1.0.0","bin":{"tool":"cli.js"}}`, "tool/cli.js*": "#!/usr/bin/env node\nconsole.log('tool')\n",
	}, []string{"npm install --offline --no-audit --no-fund --install-links", "test -L node_modules/.bin/tool", "node_modules/.bin/tool"}},
}

func TestSameInputSameDigest(t *testing.T) {
	for name, p := range programs {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(p.needs); err != nil {
				t.Skipf("SKIP: %s is not installed", p.needs)
			}
			repo := newRepo(t, p.files)
			config := Config{Name: name, Processes: map[string]string{"web": "./run", "worker": "./work"}, Env: map[string]string{"B": "2", "A": "1"}}
			build := func(dir string, umask int) Image {
				old := syscall.Umask(umask)
				defer syscall.Umask(old)
				revision, into := checkout(t, Source{Dir: dir})
				must(t, Build(t.Context(), Steps{Dir: into, Run: p.run, CommitTime: revision.CommitTime}, func(line string) { t.Log(line) }))
				config.Revision = revision
				return pack(t, into, config, filepath.Join(t.TempDir(), "layout"))
			}
			first := build(repo, 0o022)
			clone := filepath.Join(t.TempDir(), "elsewhere")
			git(t, t.TempDir(), "clone", "-q", repo, clone)
			second := build(clone, 0o077)
			if first.Digest != second.Digest {
				t.Errorf("two builds of one commit: %s and %s", first.Digest, second.Digest)
			}
			addCommit(t, repo, map[string]string{"more": "x"})
			if third := build(repo, 0o022); third.Digest == first.Digest {
				t.Error("another commit has the same digest")
			}
		})
	}
}

// plainTree and plainConfig are the input that the tests of the digest vary.
var plainTree = map[string]string{"a": "1", "d/b": "2", "l": "-> a"}

func plainConfig() Config {
	return Config{
		Name: "n", Revision: Revision{Commit: "c", Tree: "t", CommitTime: time.Unix(5, 0), Repository: "https://h.test/r"},
		Processes: map[string]string{"web": "w"}, Env: map[string]string{"A": "1"},
	}
}

func TestDigestDependsOnEveryInput(t *testing.T) {
	layoutDir := t.TempDir()
	seen := map[string]string{}
	for name, change := range map[string]func(dir string, c *Config){
		"nothing": func(string, *Config) {},
		"content": func(dir string, _ *Config) { write(t, dir, map[string]string{"a": "9"}) },
		"mode":    func(dir string, _ *Config) { write(t, dir, map[string]string{"a*": "1"}) },
		"name":    func(dir string, _ *Config) { must(t, os.Rename(dir+"/a", dir+"/z")) },
		"link": func(dir string, _ *Config) {
			must(t, os.Remove(dir+"/l"))
			write(t, dir, map[string]string{"l": "-> d/b"})
		},
		"folder":   func(dir string, _ *Config) { must(t, os.Mkdir(dir+"/empty", 0o700)) },
		"commit":   func(_ string, c *Config) { c.Revision.Commit = "x" },
		"tree":     func(_ string, c *Config) { c.Revision.Tree = "x" },
		"time":     func(_ string, c *Config) { c.Revision.CommitTime = time.Unix(6, 0) },
		"dirty":    func(_ string, c *Config) { c.Revision.Dirty = true },
		"source":   func(_ string, c *Config) { c.Revision.Repository = "https://h.test/fork" },
		"process":  func(_ string, c *Config) { c.Processes["web"] = "x" },
		"variable": func(_ string, c *Config) { c.Env["A"] = "2" },
		"title":    func(_ string, c *Config) { c.Name = "m" },
	} {
		dir, c := t.TempDir(), plainConfig()
		write(t, dir, plainTree)
		change(dir, &c)
		image := pack(t, dir, c, layoutDir)
		if other, ok := seen[image.Digest]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[image.Digest] = name
	}
}

func TestDigestDependsOnNothingElse(t *testing.T) {
	layoutDir, first := t.TempDir(), t.TempDir()
	write(t, first, plainTree)
	want := pack(t, first, plainConfig(), layoutDir).Digest
	// The way to the repository, times, modes beyond "executable", leftovers.
	dir, c := t.TempDir(), plainConfig()
	write(t, dir, plainTree)
	write(t, dir, map[string]string{".git/config": "x", "d/__pycache__/b.pyc": "x", "d/.git": "gitdir: x"})
	must(t, os.Chmod(dir+"/a", 0o600))
	must(t, os.Chmod(dir+"/d", 0o711))
	must(t, os.Chtimes(dir+"/a", time.Unix(1, 0), time.Unix(1, 0)))
	c.Revision.Repository, c.Revision.Branch, c.Revision.Shallow = "git@h.test:r.git", "other", true
	if got := pack(t, dir, c, layoutDir); got.Digest != want {
		t.Errorf("got %s, want %s", got.Digest, want)
	}
	path, err := layout.FromPath(layoutDir)
	must(t, err)
	index, err := path.ImageIndex()
	must(t, err)
	manifest, err := index.IndexManifest()
	must(t, err)
	if len(manifest.Manifests) != 1 {
		t.Errorf("the index lists the image %d times", len(manifest.Manifests))
	}
}

func TestPackIsAValidImageThatUnpacks(t *testing.T) {
	dir, layoutDir := t.TempDir(), filepath.Join(t.TempDir(), "new", "layout")
	long := strings.Repeat("long/", 60) + "name-ü"
	write(t, dir, map[string]string{"bin/run*": "#!/bin/sh\n", "link": "-> bin/run", "inside": "-> " + dir + "/bin", "python": "-> /usr/bin/python3", long: "deep"})
	must(t, os.Mkdir(filepath.Join(dir, "tmp"), 0o777))
	config := Config{
		Name: "guestbook", Processes: map[string]string{"web": "bin/run", "mailer": "bin/mail"}, Env: map[string]string{"X": "a=b"},
		Revision: Revision{Commit: "abc", Tree: "def", Prefix: "app", Dirty: true, Repository: "https://h.test/o/r", CommitTime: time.Date(2024, 5, 6, 7, 8, 10, 0, time.UTC)},
	}
	got := pack(t, dir, config, layoutDir)
	hash, err := v1.NewHash(got.Digest)
	must(t, err)
	path, err := layout.FromPath(layoutDir)
	must(t, err)
	image, err := path.Image(hash)
	must(t, err)
	layers, err := image.Layers()
	must(t, err)
	content, err := layers[0].Uncompressed()
	must(t, err)
	defer func() { _ = content.Close() }()
	diffID, _, err := v1.SHA256(content)
	must(t, err)
	file, err := image.ConfigFile()
	must(t, err)
	if len(layers) != 1 || len(file.RootFS.DiffIDs) != 1 || file.RootFS.DiffIDs[0] != diffID {
		t.Errorf("%d layers of %s, the configuration says %v", len(layers), diffID, file.RootFS.DiffIDs)
	}
	if !file.Created.Equal(config.Revision.CommitTime) || file.Config.WorkingDir != "/app" || file.Config.Labels["dev.roadworthy.dirty"] != "true" ||
		file.Config.Labels["org.opencontainers.image.revision"] != "abc" || file.Config.Labels["org.opencontainers.image.source"] != "https://h.test/o/r" {
		t.Errorf("configuration %+v", file)
	}
	var size int64
	must(t, filepath.WalkDir(filepath.Join(layoutDir, "blobs"), func(_ string, d os.DirEntry, err error) error {
		if info, e := d.Info(); e == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return err
	}))
	if size != got.Size {
		t.Errorf("size %d, the blobs have %d", got.Size, size)
	}
	into := filepath.Join(t.TempDir(), "tree")
	must(t, Unpack(t.Context(), layoutDir, got.Digest, into))
	must(t, os.Remove(filepath.Join(dir, "inside")))
	must(t, os.Symlink("bin", filepath.Join(dir, "inside")))
	must(t, os.Chmod(filepath.Join(dir, "tmp"), 0o755))
	if tree(t, into) != tree(t, dir) {
		t.Errorf("got\n%s\nwant\n%s", tree(t, into), tree(t, dir))
	}
	back, err := Describe(layoutDir, got.Digest)
	if err != nil || !reflect.DeepEqual(back, config) {
		t.Errorf("got  %+v, %v\nwant %+v", back, err, config)
	}
	again := pack(t, into, config, layoutDir)
	if again.Digest != got.Digest {
		t.Errorf("packed again: %s, want %s", again.Digest, got.Digest)
	}
}

func TestPackRefuses(t *testing.T) {
	for name, make := range map[string]func(dir string){
		"a link that leaves": func(dir string) { must(t, os.Symlink("../x", dir+"/l")) },
		"a pipe":             func(dir string) { must(t, syscall.Mkfifo(dir+"/p", 0o600)) },
		"a socket": func(dir string) {
			t.Chdir(dir)
			socket, err := net.Listen("unix", "s")
			must(t, err)
			t.Cleanup(func() { _ = socket.Close() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, layoutDir := t.TempDir(), t.TempDir()
			make(dir)
			_, err := Pack(t.Context(), dir, Config{}, layoutDir)
			wantCode(t, err, "RW-A05")
			isEmpty(t, filepath.Join(layoutDir, "blobs/sha256"))
		})
	}
}

func TestCancelledPackAndUnpackLeaveNothing(t *testing.T) {
	dir, layoutDir := t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{"a": strings.Repeat("x", 1<<20), "b": strings.Repeat("y", 1<<20)})
	image := pack(t, dir, Config{}, layoutDir)
	before := tree(t, filepath.Join(layoutDir, "blobs"))
	write(t, dir, map[string]string{"c": "z"})
	for polls := range 6 {
		ctx := &endsAfter{Context: t.Context(), polls: polls}
		if _, err := Pack(ctx, dir, Config{}, layoutDir); !errors.Is(err, context.Canceled) {
			t.Errorf("pack, cancelled at poll %d: %v", polls, err)
		}
		if after := tree(t, filepath.Join(layoutDir, "blobs")); after != before {
			t.Errorf("pack, cancelled at poll %d, left a file", polls)
		}
		into := filepath.Join(t.TempDir(), "tree")
		if err := Unpack(&endsAfter{Context: t.Context(), polls: polls}, layoutDir, image.Digest, into); !errors.Is(err, context.Canceled) {
			t.Errorf("unpack, cancelled at poll %d: %v", polls, err)
		}
		if _, err := os.Stat(into); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("unpack, cancelled at poll %d, left %s", polls, into)
		}
	}
}

// endsAfter is a context that is cancelled once it was asked a number of times.
type endsAfter struct {
	context.Context
	polls int
}

func (e *endsAfter) Err() error {
	if e.polls--; e.polls < 0 {
		return context.Canceled
	}
	return nil
}
