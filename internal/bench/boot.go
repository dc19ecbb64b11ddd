package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench/dnssink"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/bench/syslogsink"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Plan says how a boot differs from an ordinary one, in which every setting
// holds a fresh value and stands in the environment.
type Plan struct {
	Set       map[string]string // values that replace the fresh ones, by setting; in the environment
	Unset     []string          // settings that are left out everywhere
	Only      []string          // if not nil: the only settings that are given
	InFile    bool              // settings that have a key stand in the file alone
	File      map[string]string // settings that stand in the file with these values, wherever else they stand
	RawFile   []byte            // the file holds exactly this
	NoFile    bool              // the file is named but is not there
	Transport string            // of syslog: udp (default), tcp, unix
	Share     *Boot             // use the databases of this boot, with their content
	NoRelease bool              // do not run the release commands
}

// Boot is one world in which the application can be started. Its methods are
// safe for several goroutines.
type Boot struct {
	Plan     Plan
	Values   Values
	Services map[string]*Attached
	Syslog   *syslogsink.Sink // also what arrives at /dev/log
	Random   Random           // for the one goroutine that drives the boot

	bench     *Bench
	sandbox   *sandbox.Sandbox
	names     *dnssink.Sink
	front     string // where our requests come from
	servers   sync.WaitGroup
	mu        sync.Mutex
	processes []*Process
	workers   map[string]bool // ports at which processes listened; see Reached
}

// Boot makes a world by plan and starts nothing in it.
func (b *Bench) Boot(ctx context.Context, plan Plan) (*Boot, error) {
	if plan.Transport == "" {
		plan.Transport = "udp"
	}
	boot := &Boot{
		Plan: plan, bench: b, Random: b.NewRandom(), Services: map[string]*Attached{},
		Syslog: syslogsink.New(syslogsink.Options{}), names: dnssink.New(dnssink.Options{}),
	}
	boot.front = boot.Random.Address()
	for _, name := range slices.Sorted(maps.Keys(b.Manifest.Services)) {
		boot.Services[name] = boot.place(b.Manifest.Services[name], plan.Transport)
	}
	if err := boot.build(ctx); err != nil {
		return nil, errors.Join(err, boot.end())
	}
	return boot, nil
}

func (b *Boot) build(ctx context.Context) error {
	resolver := b.Random.Address()
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		started := time.Now()
		tool := ""
		if b.bench.Manifest.Run != nil {
			tool = b.bench.options.Tool
		}
		b.sandbox, err = sandbox.Start(groupCtx, sandbox.Config{
			App: b.bench.Root, Tool: tool, Hostname: "web-" + b.Random.Word(5), Resolver: resolver,
			Reveal: sandbox.Toolchains(os.Getenv("PATH")), Stderr: b.bench.options.Log,
		})
		if err == nil {
			b.bench.mu.Lock()
			b.bench.started = append(b.bench.started, time.Since(started).Seconds())
			b.bench.mu.Unlock()
		}
		return err
	})
	for _, attached := range b.Services {
		group.Go(func() error { return attached.provision(groupCtx, b.Plan.Share) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	b.Values = newValues(b.bench.Manifest, b.Random, b.Services)
	if b.Values.Port == 0 {
		b.Values.Port = b.Random.Port()
	}
	maps.Copy(b.Values.Set, b.Plan.Set)
	if err := b.open(ctx, resolver); err != nil {
		return err
	}
	if err := b.writeFile(ctx); err != nil {
		return err
	}
	return b.release(ctx)
}

// open starts the name server, the local syslog socket and the services.
func (b *Boot) open(ctx context.Context, resolver string) error {
	packets, err := b.sandbox.ListenPacket(ctx, "udp", resolver+":53")
	if err != nil {
		return err
	}
	b.names.ServePacket(packets)
	listener, err := b.sandbox.Listen(ctx, "tcp", resolver+":53")
	if err != nil {
		return err
	}
	b.names.Serve(listener)
	err = b.Syslog.AddPacket(syslogsink.Unix, func() (net.PacketConn, error) {
		return b.sandbox.ListenPacket(context.WithoutCancel(ctx), "unixgram", "/dev/log")
	})
	if err != nil {
		return err
	}
	for _, attached := range b.Services {
		if err := attached.open(ctx); err != nil {
			return fmt.Errorf("bring up %s: %w", attached.Service.Name, err)
		}
	}
	return nil
}

// serve runs a server of this boot until it is closed.
func (b *Boot) serve(run func()) { b.servers.Go(run) }

// release runs the release commands once, and keeps what they left in the
// databases for all boots that follow.
func (b *Boot) release(ctx context.Context) error {
	m := b.bench.Manifest
	if len(m.Release) == 0 || b.Plan.NoRelease || b.Plan.Share != nil || b.prepared() {
		return nil
	}
	for _, command := range m.Release {
		process, err := b.Launch(ctx, Launch{Run: command, NoWait: true})
		if err != nil {
			return err
		}
		exit, err := process.Wait(ctx, m.Boot)
		if err != nil {
			return err
		}
		if exit.Code != 0 || exit.Signal != 0 {
			return notStarted("the release command failed", fmt.Sprintf("%s: %s", command, exit), process)
		}
	}
	return b.remember(ctx)
}

// Prepare runs the release commands once, in an ordinary boot, so that every
// later one finds in its databases what they leave.
func (b *Bench) Prepare(ctx context.Context) error {
	if len(b.Manifest.Release) == 0 {
		return nil
	}
	boot, err := b.Boot(ctx, Plan{})
	if err != nil {
		return err
	}
	return boot.end()
}

// prepared reports whether the databases of this boot were made from what the
// release commands left. A file holds nothing before they ran, and an
// application without a database that can be copied runs them each time.
func (b *Boot) prepared() bool {
	copies := 0
	for _, attached := range b.Services {
		switch attached.Service.Type {
		case manifest.Postgres, manifest.MariaDB:
			if !attached.copied {
				return false
			}
			copies++
		case manifest.SQLite:
			return false
		}
	}
	return copies > 0
}

func (b *Boot) remember(ctx context.Context) error {
	for name, attached := range b.Services {
		if attached.database == nil || (attached.Service.Type != manifest.Postgres && attached.Service.Type != manifest.MariaDB) {
			continue
		}
		server, err := b.bench.scratchServer(ctx, attached.Service.Type)
		if err != nil {
			return err
		}
		template, err := server.Snapshot(ctx, attached.database)
		if err != nil {
			return fmt.Errorf("keep what the release commands left in %s: %w", name, err)
		}
		b.bench.mu.Lock()
		b.bench.templates[name] = template
		b.bench.mu.Unlock()
	}
	return nil
}

// Environment returns the whole environment of a process on a port, as
// NAME=VALUE: the settings of the plan and what every process has.
func (b *Boot) Environment(port int) []string {
	env := map[string]string{
		"PATH": Path(), "HOME": "/home/app", "USER": "app", "LOGNAME": "app", "LANG": "C.UTF-8", "PORT": strconv.Itoa(port),
	}
	file := b.bench.Manifest.Config.File
	for name, value := range b.Values.Set {
		setting := b.bench.Manifest.Config.Settings[name]
		if setting.Effect == manifest.EffectPort && port != b.Values.Port {
			value = renderValue(setting.Value, strconv.Itoa(port))
		}
		_, explicit := b.Plan.Set[name]
		if b.given(name) && (explicit || !b.Plan.InFile || file == nil || setting.Key == "") {
			env[name] = value
		} else if name == "PORT" {
			delete(env, "PORT")
		}
	}
	if file != nil && file.Variable != "" && b.usesFile() {
		env[file.Variable] = filePath
	}
	if b.overTLS() && b.bench.Manifest.Run != nil {
		env["ROADWORTHY_LIMITS_TRUSTED"] = b.front + "/32" // our runtime believes no stranger
	}
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// given reports whether a setting is given at all.
func (b *Boot) given(name string) bool {
	if slices.Contains(b.Plan.Unset, name) {
		return false
	}
	return b.Plan.Only == nil || slices.Contains(b.Plan.Only, name)
}

// Path is the PATH of applications: the usual one, then the host's, where
// toolchains may lie.
func Path() string {
	folders := []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
	for folder := range strings.SplitSeq(os.Getenv("PATH"), ":") {
		if strings.HasPrefix(folder, "/") && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return strings.Join(folders, ":")
}

// Service returns the attached service that a setting names.
func (b *Boot) Service(setting manifest.Setting) *Attached { return b.Services[setting.Service] }

// OfType returns the attached services of a type.
func (b *Boot) OfType(kind manifest.ServiceType) []*Attached {
	var list []*Attached
	for _, name := range slices.Sorted(maps.Keys(b.Services)) {
		if b.Services[name].Service.Type == kind {
			list = append(list, b.Services[name])
		}
	}
	return list
}

// Sandbox gives access to the world itself: processes, files, destinations.
func (b *Boot) Sandbox() *sandbox.Sandbox { return b.sandbox }

// Lookups lists the names that were asked of the name server.
func (b *Boot) Lookups() []dnssink.Query { return b.names.Queries() }

// Written lists what the application wrote, searched for the needles.
func (b *Boot) Written(ctx context.Context, needles ...string) ([]sandbox.Written, error) {
	raw := make([][]byte, len(needles))
	for i, needle := range needles {
		raw[i] = []byte(needle)
	}
	return b.sandbox.Written(ctx, raw)
}

// Close ends the boot, unless the bench keeps its sandboxes.
func (b *Boot) Close() error {
	if b.bench.keep {
		b.bench.mu.Lock()
		defer b.bench.mu.Unlock()
		b.bench.kept = append(b.bench.kept, b)
		return nil
	}
	return b.end()
}

func (b *Boot) end() error {
	var errs []error
	if b.sandbox != nil {
		errs = append(errs, b.sandbox.Close())
	}
	for _, process := range b.processes {
		process.Output.readers.Wait()
		if process.Trace != nil {
			process.Trace.readers.Wait()
		}
	}
	for _, attached := range b.Services {
		errs = append(errs, attached.close())
	}
	errs = append(errs, b.Syslog.Close(), b.names.Close())
	b.servers.Wait()
	return errors.Join(errs...)
}
