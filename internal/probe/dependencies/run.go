package dependencies

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/artifact"
	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/debian"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func run(ctx context.Context, b *bench.Bench, recorder *probe.Recorder) (Observations, error) {
	o := Observations{Build: b.Manifest.Build.Run, Packages: map[string]Package{}}
	for _, e := range artifact.Ecosystems(b.Root) {
		o.Ecosystems = append(o.Ecosystems, Ecosystem{Name: e.Name, Manifest: e.Manifest, Locked: e.Locked, Why: e.Why})
	}
	database, err := debian.Read("/")
	if errors.Is(err, debian.ErrNoDatabase) {
		recorder.Fail("dependencies.declared", standard.Failure{
			Kind:    standard.FailureHost,
			Message: "whom a file belongs to is told by dpkg, which this system does not have",
			Fix:     "run the check on Debian or Ubuntu, or in a container of them",
		})
		return o, nil
	}
	if err != nil {
		return o, err
	}
	traced, err := o.session(ctx, b)
	if err != nil {
		if errors.Is(err, bench.ErrNotStarted) {
			return o, err
		}
		recorder.Try("dependencies.declared", func() error { return err })
		return o, nil
	}
	o.attribute(b, database, traced)
	return o, nil
}

// session runs the declared traffic, the exception and the status route under a trace.
func (o *Observations) session(ctx context.Context, b *bench.Bench) (bench.Traced, error) {
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return bench.Traced{}, err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{Trace: true})
	if err != nil {
		return bench.Traced{}, err
	}
	client := boot.Client(process)
	defer client.Close()
	for _, reply := range client.Session(ctx, boot.Random.Nonce()) {
		if reply.Err == "" {
			o.Replies++
		}
	}
	if exception := b.Manifest.Faults.Exception; exception != nil {
		client.Step(ctx, *exception, boot.Random.Nonce())
	}
	if b.Manifest.Status != nil {
		client.Do(ctx, boot.StatusRequest(boot.Values.Token))
	}
	if _, _, err := process.Stop(ctx, 10*time.Second); err != nil {
		return bench.Traced{}, fmt.Errorf("stop the traced application: %w", err)
	}
	return process.Traced(), nil
}

// attribute finds whom everything belongs to that is not the artifact's.
func (o *Observations) attribute(b *bench.Bench, database *debian.Database, traced bench.Traced) {
	o.Dropped = traced.Dropped
	interpreters := o.interpreters(b, database)
	declared := database.Needs(append(interpreters, b.Manifest.System...)...)
	base := database.Base()
	for _, name := range b.Manifest.System {
		if !database.Installed(name) {
			o.Missing = append(o.Missing, name)
		}
	}
	unowned := map[string]bool{}
	use := func(path string) string {
		owner, owned := database.Owner(path)
		if owned {
			p, met := o.Packages[owner]
			if !met {
				p = Package{Base: base[owner], Declared: declared[owner], Startup: true}
			}
			o.Packages[owner] = p.with(path)
		} else if !unowned[path] {
			unowned[path] = true
			o.Unowned = append(o.Unowned, path)
		}
		return owner
	}
	for _, program := range traced.Programs {
		if inArtifact(program.Path) {
			o.InArtifact++
			continue
		}
		o.Programs = append(o.Programs, Program{Path: program.Path, Package: use(program.Path)})
	}
	for _, path := range traced.Files {
		switch {
		case inArtifact(path):
			o.InArtifact++
		case !private(path) && !folder(path):
			use(source(path))
		}
	}
}

// with counts one more file of the package.
func (p Package) with(path string) Package {
	if atStart := startup(path) || generated(path); !atStart && (p.Startup || p.Example == "") {
		p.Startup, p.Example = false, path
	}
	p.Files++
	return p
}

// source gives the file that byte code was made from: packages own sources
// alone ("x/__pycache__/y.cpython-311.pyc" belongs to "x/y.py", PEP 3147).
func source(path string) string {
	folder, name := filepath.Split(path)
	if filepath.Base(folder) != "__pycache__" || !strings.HasSuffix(name, ".pyc") {
		return path
	}
	name, _, _ = strings.Cut(name, ".")
	return filepath.Join(filepath.Dir(filepath.Clean(folder)), name+".py")
}

// inArtifact reports whether a path is the artifact's, or our runtime's, which
// the manifest asks for.
func inArtifact(path string) bool {
	return path == sandbox.AppDir || strings.HasPrefix(path, sandbox.AppDir+"/") || path == sandbox.ToolPath
}

// folder reports whether a path of the host is one: a trace of an interrupted
// call does not tell that a folder was opened.
func folder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// private is what the sandbox itself offers and the kernel's own files.
func private(path string) bool {
	for _, folder := range []string{"/proc/", "/sys/", "/dev/", "/tmp/", "/run/", "/var/tmp/", "/home/app/", "/var/lib/"} {
		if strings.HasPrefix(path, folder) {
			return true
		}
	}
	return false
}
