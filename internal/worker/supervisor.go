package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Rotation is where the consumer serves from.
type Rotation interface {
	// Add begins to send requests to a backend. It does not block.
	Add(b Backend)
	// Drain sends no new request to a backend from the moment of the call on,
	// even if ctx is done already, and returns when none is in flight or ctx
	// is done. An unknown id is no error.
	Drain(ctx context.Context, id string) error
}

// Config is what a Supervisor needs of the world. Only RunDir is required.
type Config struct {
	RunDir     string                                     // a private, existing, absolute folder that workers' users may enter
	Launcher   []string                                   // absolute program and arguments that end in Exec
	Output     func(s Source, stdout, stderr *os.File)    // takes the read ends and closes them; nil: the master's own output
	Tail       func(id string, lines int) []string        // the last lines of both streams; not asked after Ended
	Event      func(e Event)                              // must not block, nor call the Supervisor
	Rotation   Rotation                                   // nil: nobody serves
	Park       func(on bool)                              // hold requests while no worker is left for a moment
	Ready      func(ctx context.Context, b Backend) error // polled until nil; Dial where nil; ModePort and ModeSocket without Notify only
	Health     func(ctx context.Context, b Backend) error // polled while a new generation is proven; twice in a row an error aborts it
	Ports      func() (int, error)                        // NewPorts().Next where nil
	Headroom   func() (bytes int64, known bool)           // memory for one more worker; Headroom where nil
	OOMKills   func() (count int, known bool)             // OwnOOMKills where nil
	Reaper     *Reaper                                    // nil: strays are not reaped
	Cgroup     *Cgroup                                    // nil: process groups only
	Clock      Clock                                      // System where nil
	Random     func() float64                             // in [0, 1)
	KeepTrying bool                                       // Start goes on although no worker became ready
}

// ErrUnknown says that no process has the id.
var ErrUnknown = errors.New("no such worker process")

// ErrStopped says that the supervisor is not running, or not any more.
var ErrStopped = errors.New("the supervisor is stopped")

// Supervisor keeps the workers of one process type running.
type Supervisor struct {
	config   Config
	env      *surroundings
	shims    shims
	life     context.Context //nolint:containedctx // ends with Stop; every loop hangs on it
	end      context.CancelFunc
	stopped  chan struct{}
	turn     chan struct{} // held by the one operation that changes slots
	serial   atomic.Int64
	freeze   sync.RWMutex // write: handed over; read: between fork and procs, and while reaping
	procs    sync.Map     // id → *process, until it is reaped
	children sync.WaitGroup
	loops    sync.WaitGroup

	mu          sync.Mutex
	gen         *generation
	generations int // the highest number used
	slots       []*slot
	closed      bool
	recycling   bool
	recycled    time.Time
}

// New prepares a supervisor; nothing runs yet.
func New(c Config) (*Supervisor, error) {
	defaults(&c)
	s := &Supervisor{config: c, turn: make(chan struct{}, 1), stopped: make(chan struct{})}
	s.env = &surroundings{freeze: &s.freeze, clock: c.Clock, reaper: c.Reaper, ooms: c.OOMKills, changed: s.changed, gone: s.gone, forget: func(p *process) { s.procs.Delete(p.ID) }, told: s.told}
	s.life, s.end = context.WithCancel(context.Background())
	var err error
	if s.shims, err = writeShims(c.RunDir); err != nil {
		return nil, fmt.Errorf("write the shims for stack dumps: %w", err)
	}
	return s, nil
}

func defaults(c *Config) {
	if c.Tail == nil {
		c.Tail = func(string, int) []string { return nil }
	}
	if c.Event == nil {
		c.Event = func(Event) {}
	}
	if c.Park == nil {
		c.Park = func(bool) {}
	}
	if c.Ready == nil {
		c.Ready = Dial
	}
	if c.Ports == nil {
		c.Ports = NewPorts().Next
	}
	if c.Headroom == nil {
		c.Headroom = Headroom
	}
	if c.OOMKills == nil {
		c.OOMKills = OwnOOMKills
	}
	if c.Clock == nil {
		c.Clock = System{}
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
}

// Start makes generation 1 and returns when each of its workers became ready
// or failed once. The failed ones are tried again, unless none became ready:
// then everything is ended and the first *Failure returned, so that the master
// may exit with the reason.
func (s *Supervisor) Start(ctx context.Context, spec Spec) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.give()
	if s.generations > 0 {
		return errors.New("the supervisor is started already")
	}
	g, err := pin(spec, 1)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.gen, s.generations = g, 1
	for n := range g.spec.Count {
		s.slots = append(s.slots, newSlot(s, n+1, g))
	}
	slots := slices.Clone(s.slots)
	s.mu.Unlock()
	s.emit(Event{Kind: Beginning, Worker: Source{Generation: 1}})
	if err := s.first(ctx, slots); err != nil {
		s.emit(Event{Kind: Aborted, Worker: Source{Generation: 1}, Err: err})
		return err
	}
	for _, sl := range slots {
		s.task(sl.keep)
	}
	s.task(s.inspect)
	s.emit(Event{Kind: Promoted, Worker: Source{Generation: 1}})
	return nil
}

// first starts one process for each slot, all at once.
func (s *Supervisor) first(ctx context.Context, slots []*slot) error {
	failures := make([]error, len(slots))
	var all sync.WaitGroup
	for i, sl := range slots {
		all.Go(func() {
			p, err := s.bring(ctx, sl.gen, sl.number)
			if failures[i] = err; err != nil {
				s.mu.Lock()
				sl.fails++
				s.mu.Unlock()
				return
			}
			s.install(sl, p, "")
		})
	}
	all.Wait()
	failed := 0
	for _, err := range failures {
		if err != nil {
			failed++
		}
	}
	if failed == 0 || failed < len(slots) || s.config.KeepTrying && ctx.Err() == nil {
		return nil
	}
	return firstOf(failures...)
}

// Stop drains and ends every worker and waits for it. When ctx is done the
// rest is killed. The supervisor cannot be started again.
func (s *Supervisor) Stop(ctx context.Context) error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		select {
		case <-s.stopped:
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	defer close(s.stopped)
	s.end()
	hurry := context.AfterFunc(ctx, func() { s.each(func(p *process) { p.kill("the time to stop is over") }) })
	defer hurry()
	s.turn <- struct{}{}
	s.loops.Wait()
	var all sync.WaitGroup
	s.each(func(p *process) {
		all.Go(func() { s.retire(ctx, p, "the supervisor stops") })
	})
	all.Wait()
	s.children.Wait()
	return ctx.Err()
}

// take waits for the turn to change slots; give returns it.
func (s *Supervisor) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		if s.life.Err() != nil {
			s.give()
			return ErrStopped
		}
		return nil
	case <-s.life.Done():
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Supervisor) give() { <-s.turn }

// task runs a goroutine that Stop waits for, unless Stop has begun.
func (s *Supervisor) task(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.loops.Go(f)
	return true
}

func (s *Supervisor) emit(e Event) {
	e.Time = s.config.Clock.Now()
	s.config.Event(e)
}

// each calls a function with every living process.
func (s *Supervisor) each(use func(p *process)) {
	s.procs.Range(func(_, v any) bool {
		use(v.(*process))
		return true
	})
}

// Served counts requests that a process has answered.
func (s *Supervisor) Served(id string, n int) {
	if p, ok := s.find(id); ok {
		p.served.Add(int64(n))
	}
}

func (s *Supervisor) find(id string) (*process, bool) {
	v, ok := s.procs.Load(id)
	if !ok {
		return nil, false
	}
	return v.(*process), true
}

// Status is one living process, or one empty slot, for people.
type Status struct {
	Backend
	Slot     int       `json:"slot"`
	State    State     `json:"state"`
	Since    time.Time `json:"since"` // of the state
	Started  time.Time `json:"started,omitzero"`
	Restarts int       `json:"restarts"` // of the slot, unplanned
	Last     *Exit     `json:"last_exit,omitempty"`
	RSS      int64     `json:"rss"` // bytes, of all its processes
	Served   int64     `json:"served"`
	Says     string    `json:"says,omitempty"` // STATUS of sd_notify(3)
}

// Snapshot lists what there is now, by slot and start.
func (s *Supervisor) Snapshot() []Status {
	all := processes()
	var list []Status
	filled := map[int]bool{}
	s.each(func(p *process) {
		list = append(list, p.describeStatus(all))
		filled[p.slot] = true
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sl := range s.slots {
		if !filled[sl.number] {
			worker := Source{Worker: fmt.Sprintf("%s.%d", sl.gen.spec.Name, sl.number), Generation: sl.gen.number}
			list = append(list, Status{Backend: Backend{Source: worker}, Slot: sl.number, State: Pausing, Since: sl.since})
		}
		for i := range list {
			if list[i].Slot == sl.number {
				list[i].Restarts, list[i].Last = sl.restarts, sl.last
			}
		}
	}
	slices.SortFunc(list, func(a, b Status) int {
		return cmp.Or(a.Slot-b.Slot, a.Started.Compare(b.Started))
	})
	return list
}

func (p *process) describeStatus(all table) Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Status{
		Backend: p.backend, Slot: p.slot, State: p.state, Since: p.since, Started: p.started,
		RSS: all.resident(p.PID), Served: p.served.Load(), Says: p.status,
	}
}
