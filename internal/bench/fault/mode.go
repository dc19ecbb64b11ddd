package fault

import "fmt"

// Mode is one way in which a backing service behaves.
type Mode int

// The modes. "New" connections are those that the client opens after Set has
// returned; "existing" ones were open before, pooled or in use.
const (
	// Pass forwards every byte, both ways.
	Pass Mode = iota
	// Refuse closes the listener, so that the kernel answers a new connection
	// with RST (ECONNREFUSED); existing ones are reset.
	Refuse
	// Reset accepts a new connection and resets it at once; existing ones are
	// reset.
	Reset
	// BlackholeNew drops the SYN of each new connection without an answer;
	// existing ones pass.
	BlackholeNew
	// BlackholeExisting drops every packet of existing connections: nothing is
	// acknowledged, read or sent. New ones pass.
	BlackholeExisting
	// Blackhole is BlackholeNew and BlackholeExisting together: the host has
	// gone from the network.
	Blackhole
	// Hang accepts new connections, but neither reads nor writes; existing ones
	// likewise. The kernel still acknowledges what fits in its buffer, as with
	// a process that is stopped.
	Hang
	// Slow delays each chunk that the service sends by Config.SlowDelay.
	Slow
	// Truncate forwards the first Config.TruncateAfter bytes of the next reply
	// of each connection and then closes it. At least the last byte of the
	// reply is always withheld, so that it breaks inside a message.
	Truncate
)

// Modes lists every mode in the order above.
func Modes() []Mode {
	return []Mode{Pass, Refuse, Reset, BlackholeNew, BlackholeExisting, Blackhole, Hang, Slow, Truncate}
}

// String returns the mode's name, such as "blackhole-new".
func (m Mode) String() string {
	names := [...]string{
		"pass", "refuse", "reset", "blackhole-new", "blackhole-existing",
		"blackhole", "hang", "slow", "truncate",
	}
	if m < 0 || int(m) >= len(names) {
		return fmt.Sprintf("mode(%d)", int(m))
	}
	return names[m]
}

// door is what a mode does with the listener.
type door int

const (
	doorOpen   door = iota // accepts
	doorClosed             // no listener at all
	doorSilent             // a listener whose SYNs are dropped, and that accepts nothing
)

// fate is what a mode does with one connection.
type fate int

const (
	fatePass     fate = iota
	fateSlow          // replies are delayed
	fateTruncate      // the next reply is cut
	fateFreeze        // nobody reads or writes
	fateDrop          // frozen, and its packets are dropped by the kernel
	fateReset         // RST
)

// frozen tells whether no byte moves under this fate.
func (f fate) frozen() bool { return f == fateFreeze || f == fateDrop }

// plan is what a mode means for the listener, for connections that arrive
// under it, and for those that were there before.
type plan struct {
	door            door
	fresh, existing fate
}

func (m Mode) plan() plan {
	switch m {
	case Refuse:
		return plan{doorClosed, fateReset, fateReset}
	case Reset:
		return plan{doorOpen, fateReset, fateReset}
	case BlackholeNew:
		return plan{doorSilent, fateDrop, fatePass}
	case BlackholeExisting:
		return plan{doorOpen, fatePass, fateDrop}
	case Blackhole:
		return plan{doorSilent, fateDrop, fateDrop}
	case Hang:
		return plan{doorOpen, fateFreeze, fateFreeze}
	case Slow:
		return plan{doorOpen, fateSlow, fateSlow}
	case Truncate:
		return plan{doorOpen, fateTruncate, fateTruncate}
	default:
		return plan{doorOpen, fatePass, fatePass}
	}
}
