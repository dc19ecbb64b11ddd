// Package bench boots an application in a world of its own and lets a probe
// act on it: fresh values for every setting, scratch services behind fault
// proxies, sinks for mail and syslog, traffic with nonces, and eyes on
// processes, files and the network.
//
// A [Bench] holds what all probes of one check share: the built artifact and
// the scratch servers. Each [Boot] is new: its own sandbox, addresses, names,
// credentials, databases and random values, so that no probe can poison
// another one. A [Process] is one start of the application in a boot.
//
// The invariant: a boot leaves nothing behind when it is closed, and nothing
// in the application's environment tells that it is being tested. The room
// records; it judges nothing. Read next: boot.go, then internal/probe.
package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/bench/scratch"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Errors that callers branch on.
var (
	// ErrHost: the host lacks something that is needed; the message names it.
	ErrHost = errors.New("the host lacks what is needed")
	// ErrNotStarted: the application ended, or did not answer in time.
	ErrNotStarted = errors.New("the application did not start")
)

// Options says what a bench works on.
type Options struct {
	Manifest *manifest.Manifest
	Root     string    // folder that holds the built artifact's files; the bench takes it over
	Dir      string    // folder for what the bench needs; the caller removes it
	Cache    string    // folder for templates of databases; "" for none
	Seed     uint64    // of everything random
	Tool     string    // the program roadworthy, for applications that run under it; "" where none does
	Log      io.Writer // what scratch servers and sandboxes complain about; nil drops it
	Source   Source    // where the artifact came from
}

// Source says where the artifact came from, for the probes that look at it.
type Source struct {
	Dir    string // the application's folder in the repository
	Commit string // full id; "" where there is none
	Dirty  bool
	Digest string   // of the image: "sha256:…"
	Layout string   // folder of the OCI image layout that holds it
	LFS    []string // files that are only pointers of Git LFS to their content
}

// Bench is what the probes of one check share. Its methods are safe for
// several goroutines.
type Bench struct {
	Manifest *manifest.Manifest
	Source   Source
	Root     string

	options   Options
	mu        sync.Mutex
	random    *rand.ChaCha8
	servers   map[manifest.ServiceType]*server
	templates map[string]*scratch.Template // by service name: after the release commands ran
	keep      bool
	kept      []*Boot
	started   []float64 // seconds that sandboxes took to start
}

type server struct {
	once  sync.Once
	ready scratch.Server
	err   error
}

// New makes a bench. It starts nothing yet.
func New(options Options) (*Bench, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	if err := own(options.Root); err != nil {
		return nil, err
	}
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], options.Seed)
	return &Bench{
		Manifest: options.Manifest, Source: options.Source, Root: options.Root, options: options,
		random:  rand.NewChaCha8(seed),
		servers: map[manifest.ServiceType]*server{}, templates: map[string]*scratch.Template{},
	}, nil
}

// own gives the artifact's files to the user that the application runs as.
func own(root string) error {
	if sandbox.HostUID() == os.Geteuid() {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("give away the artifact's files: %w", err)
		}
		return os.Lchown(path, sandbox.HostUID(), sandbox.HostUID()) //nolint:gosec // our own folder, before anything runs in it
	})
}

// Keep leaves every sandbox in place when its boot is closed, for debugging.
func (b *Bench) Keep() { b.keep = true }

// Kept lists the sandboxes that were left in place.
func (b *Bench) Kept() []*Boot { return b.kept }

// StartTimes lists how many seconds each sandbox took to start.
func (b *Bench) StartTimes() []float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]float64(nil), b.started...)
}

// Close ends the scratch servers and the sandboxes that were kept.
func (b *Bench) Close() error {
	var errs []error
	for _, boot := range b.kept {
		errs = append(errs, boot.end())
	}
	for _, s := range b.servers {
		if s.ready != nil {
			errs = append(errs, s.ready.Close())
		}
	}
	return errors.Join(errs...)
}

// Able reports whether a sandbox can be made here: nil, or an error that
// wraps sandbox.ErrForbidden and says what is refused.
func Able(ctx context.Context) error {
	s, err := sandbox.Start(ctx, sandbox.Config{})
	if err != nil {
		return err
	}
	return s.Close()
}

// scratchServer starts the one server of a type at first use.
func (b *Bench) scratchServer(ctx context.Context, kind manifest.ServiceType) (scratch.Server, error) {
	b.mu.Lock()
	s, ok := b.servers[kind]
	if !ok {
		s = &server{}
		b.servers[kind] = s
	}
	b.mu.Unlock()
	s.once.Do(func() {
		options := scratch.Options{Dir: b.options.Dir, Cache: b.options.Cache, Log: b.options.Log}
		if os.Geteuid() == 0 {
			if options.Credential, s.err = ordinaryUser(); s.err != nil {
				return
			}
		}
		// The server outlives the probe that needed it first.
		s.ready, s.err = scratch.Start(context.WithoutCancel(ctx), scratch.Kind(kind), options)
	})
	return s.ready, s.err
}

// ordinaryUser is whom database servers run as when the tool is root: they
// refuse root, and ask the account database for a name.
func ordinaryUser() (*syscall.Credential, error) {
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("%w: find an ordinary user: %w", ErrHost, err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read the id of %s: %w", nobody.Username, err)
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read the group of %s: %w", nobody.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
