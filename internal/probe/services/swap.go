package services

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// counter counts what a set of instances sees from a moment on.
type counter struct {
	boot     *bench.Boot
	services map[string]*bench.Attached
	talks    map[string]int // conversations that were there before
}

func begin(boot *bench.Boot, services map[string]*bench.Attached) counter {
	c := counter{boot, services, map[string]int{}}
	for name, a := range services {
		if a.Proxy != nil {
			c.talks[name] = len(a.Proxy.Conversations())
		}
	}
	return c
}

// instance tells what the instance of one service saw.
func (c counter) instance(ctx context.Context, name string) (Instance, error) {
	a, i := c.services[name], Instance{}
	if a.Service.Type == manifest.SQLite {
		sum, err := c.file(ctx, a.Path)
		if sum != 0 {
			i.Contacts = 1
		}
		return i, err
	}
	var err error
	if i.Contacts, err = c.contacts(ctx, a); err != nil || a.Proxy == nil {
		return i, err
	}
	for _, talk := range a.Proxy.Conversations()[c.talks[name]:] {
		i.Bytes += talk.BytesDown
		for what, value := range read(a.Service.Type, talk.FirstBytes) {
			given := map[string]string{"user": a.User, "password": a.Password, "database": a.Database}[what]
			if value == given {
				i.Right = append(i.Right, what)
			} else {
				i.Wrong = append(i.Wrong, what)
			}
		}
	}
	slices.Sort(i.Right)
	slices.Sort(i.Wrong)
	i.Right, i.Wrong = slices.Compact(i.Right), slices.Compact(i.Wrong)
	return i, nil
}

// contacts counts first packets to the address of a service.
func (c counter) contacts(ctx context.Context, a *bench.Attached) (int, error) {
	reached, err := c.boot.Reached(ctx)
	if err != nil {
		return 0, err
	}
	count := 0
	for _, d := range reached {
		if d.Address == a.IP+":"+strconv.Itoa(a.Port) {
			count += d.Count
		}
	}
	return count, nil
}

// file hashes what a file and its log hold; 0 for nothing.
func (c counter) file(ctx context.Context, path string) (uint64, error) {
	sum, size := fnv.New64a(), int64(0)
	for _, name := range []string{path, path + "-wal"} {
		file, err := c.boot.Sandbox().OpenFile(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("read the database: %w", err)
		}
		n, err := io.Copy(sum, io.LimitReader(file, sandbox.MaxFile))
		if err = errors.Join(err, file.Close()); err != nil {
			return 0, fmt.Errorf("read the database: %w", err)
		}
		size += n
	}
	if size == 0 {
		return 0, nil
	}
	return sum.Sum64(), nil
}

// mark is a number that grows, or changes, when an instance is used.
func (c counter) mark(ctx context.Context, name string) (uint64, error) {
	a := c.services[name]
	if a.Service.Type == manifest.SQLite {
		return c.file(ctx, a.Path)
	}
	count, err := c.contacts(ctx, a)
	return uint64(count), err
}

// strangers reports whether an application that did not start showed other
// credentials than it was given. That is why, and a verdict.
func (o *Observations) strangers(ctx context.Context, first counter) bool {
	if o.uses(ctx, first) != nil {
		return false
	}
	return slices.ContainsFunc(o.Uses, func(u Use) bool { return len(u.First.Wrong) > 0 })
}

// uses notes what the first instances saw.
func (o *Observations) uses(ctx context.Context, first counter) error {
	o.Uses = nil
	for _, name := range slices.Sorted(maps.Keys(first.services)) {
		instance, err := first.instance(ctx, name)
		if err != nil {
			return err
		}
		o.Uses = append(o.Uses, Use{Service: name, Type: string(first.services[name].Service.Type), First: instance})
	}
	return nil
}

// swap stops the application and starts it again on other instances.
func (o *Observations) swap(ctx context.Context, s *session, first counter) error {
	if _, _, err := s.process.Stop(ctx, stopWait); err != nil {
		return fmt.Errorf("stop the application before the swap: %w", err)
	}
	if err := o.uses(ctx, first); err != nil {
		return err
	}
	others, err := s.boot.Swap(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = others.Close() }() // a second copy that does not go is the bench's to report
	if err := control(ctx, others.Services); err != nil {
		return err
	}
	marks, err := first.marks(ctx)
	if err != nil {
		return err
	}
	second := begin(s.boot, others.Services)
	wait, cancel := context.WithTimeout(ctx, max(minStart, 10*s.process.Ready.Sub(s.process.Started)))
	defer cancel()
	process, err := s.boot.Launch(wait, bench.Launch{Env: others.Set})
	o.Swap = &Swap{Started: err == nil, Before: s.worked, Showed: strings.Contains(s.bodies.String(), s.nonce)}
	if err != nil && !errors.Is(err, bench.ErrNotStarted) {
		return err
	}
	if err != nil {
		o.Swap.Err = "the application did not answer"
	} else {
		o.Swap.play(ctx, s, process, others)
	}
	return o.compare(ctx, first, second, marks)
}

func (c counter) marks(ctx context.Context) (map[string]uint64, error) {
	marks := map[string]uint64{}
	for name := range c.services {
		var err error
		if marks[name], err = c.mark(ctx, name); err != nil {
			return nil, err
		}
	}
	return marks, nil
}

// play runs the session as often as at the first start, with another nonce.
func (w *Swap) play(ctx context.Context, s *session, process *bench.Process, others *bench.Swapped) {
	again := &session{boot: s.boot, process: process, manifest: s.manifest, nonce: s.boot.Random.Nonce()}
	for range 2 {
		again.run(ctx, others.Services)
	}
	bodies := again.bodies.String()
	w.Requests, w.Answered, w.Worked = again.requests, again.answered, again.worked
	w.Shows, w.Crossed = strings.Contains(bodies, again.nonce), strings.Contains(bodies, s.nonce)
	_, _, _ = process.Stop(ctx, stopWait)
}

// compare notes what the second instances saw, and what the first ones still did.
func (o *Observations) compare(ctx context.Context, first, second counter, marks map[string]uint64) error {
	for i, use := range o.Uses {
		var err error
		if o.Uses[i].Second, err = second.instance(ctx, use.Service); err != nil {
			return err
		}
		mark, err := first.mark(ctx, use.Service)
		if err != nil {
			return err
		}
		if mark != marks[use.Service] {
			o.Uses[i].Returned = 1
			if use.Type != string(manifest.SQLite) {
				o.Uses[i].Returned = int(mark - marks[use.Service])
			}
		}
	}
	return nil
}
