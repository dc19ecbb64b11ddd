package mail

import (
	"slices"
	"time"
)

// Stats tells how the mails fare, for a status route.
type Stats struct {
	Enabled     bool      `json:"enabled"`
	Sent        uint64    `json:"sent"`    // mails, since the start
	Refused     uint64    `json:"refused"` // mails that the server will never take, since the start
	Retries     uint64    `json:"retries"` // attempts that failed and are made again, since the start
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastFailure time.Time `json:"last_failure,omitzero"`
	LastError   string    `json:"last_error,omitempty"`
	StateError  string    `json:"state_error,omitempty"`
	Kinds       int       `json:"kinds"`
	Reported    uint64    `json:"reported"` // errors, ever
	Told        uint64    `json:"told"`     // of these, in delivered mails
	Pending     uint64    `json:"pending"`  // of these, in none yet
	Due         int       `json:"due"`      // kinds that a mail could be sent about now
	Storm       bool      `json:"storm"`    // there is more than may be mailed one by one
}

// Stats returns the numbers of now.
func (n *Notifier) Stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.stats
	s.Enabled = n.config.Sender != nil
	s.Kinds, s.Pending = len(n.ledger.groups), n.ledger.pending()
	s.Reported, s.Told = n.ledger.total.Reported, n.ledger.total.Told
	due, _ := n.ledger.due(n.config.Now())
	s.Due, s.Storm = len(due), !n.ledger.digest.Next.IsZero()
	return s
}

// Group is one kind of error, for people to look at. It holds no secret.
type Group struct {
	Fingerprint string    `json:"fingerprint"`
	Title       string    `json:"title"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Count       uint64    `json:"count"`
	Pending     uint64    `json:"pending"` // errors that no mail has told yet
	Mails       int       `json:"mails"`
	Releases    []string  `json:"releases"` // oldest first, the last ten
	Fixed       bool      `json:"fixed"`
	MutedUntil  time.Time `json:"muted_until,omitzero"`
	Sample      Event     `json:"sample"`
}

// Groups lists the kinds, the one that was seen last first.
func (n *Notifier) Groups() []Group {
	n.mu.Lock()
	s := n.ledger.snapshot()
	n.mu.Unlock()
	list := make([]Group, 0, len(s.Groups))
	for _, g := range s.Groups {
		if g.raw {
			n.clean(g)
		}
		list = append(list, Group{g.Fingerprint, g.Title, g.First, g.Last, g.Total, g.Total - g.Told, g.Mails, g.Releases, g.Fixed, g.MutedUntil, g.Sample})
	}
	slices.SortFunc(list, func(a, b Group) int { return b.Last.Compare(a.Last) })
	return list
}
