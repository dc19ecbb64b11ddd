package services

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// honest is what an honest application leaves.
func honest() Observations {
	return Observations{
		Known: Known{
			Endpoints: []Endpoint{{"mail", "mx-a.internal", "10.1.1.1:2525"}, {"store", "pg-b.internal", "10.2.2.2:5432"}},
			Resolver:  "10.9.9.9", Hostname: "web-abcde", Listening: []string{"tcp 8080", "udp 9000"},
		},
		Destinations: []Destination{
			{"tcp", "10.1.1.1:2525", 1}, {"tcp", "10.2.2.2:5432", 3}, {"udp", "10.9.9.9:53", 8}, {"tcp", "127.0.0.1:8080", 1},
			{"tcp", "[::1]:8080", 1}, {"udp", "127.0.0.1:9000", 2},
		},
		Lookups:  []Lookup{{"PG-b.internal.", "A"}, {"web-abcde", "AAAA"}, {"web-abcde.lan", "A"}, {"localhost", "A"}, {"9.9.9.10.in-addr.arpa", "PTR"}},
		Watched:  3.1,
		Requests: 10, Answered: 10,
		Uses: []Use{
			{Service: "mail", Type: "smtp", First: Instance{Contacts: 1}, Second: Instance{Contacts: 1}},
			{
				Service: "store", Type: "postgres", First: Instance{Contacts: 2, Bytes: 100, Right: []string{"user"}},
				Second: Instance{Contacts: 2, Bytes: 100, Right: []string{"database", "user"}},
			},
		},
		Swap: &Swap{Started: true, Requests: 10, Answered: 10, Worked: 8, Before: 8, Shows: true, Showed: true},
	}
}

type example struct {
	edit func(*Observations)
	want standard.Outcome
	why  string // part of the reason
}

func verify(t *testing.T, claim string, cases map[string]example) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := honest()
			c.edit(&o)
			for _, f := range judge(o) {
				if f.Claim != claim {
					continue
				}
				if f.Outcome != c.want || !strings.Contains(f.Why, c.why) {
					t.Errorf("got %s because %q, want %s because of %q", f.Outcome, f.Why, c.want, c.why)
				}
				if f.Outcome != standard.NotApplicable && f.Outcome != standard.Unknown && f.Seen == "" {
					t.Error("nothing is said to have been seen")
				}
				return
			}
			t.Error("no finding")
		})
	}
}

func TestHonestPasses(t *testing.T) {
	for _, f := range judge(honest()) {
		if f.Outcome != standard.Pass || f.Seen == "" {
			t.Errorf("%s: %s, seen %q, why %q", f.Claim, f.Outcome, f.Seen, f.Why)
		}
	}
	seen := judge(honest())[1].Seen
	if !strings.Contains(seen, "store saw the right database and user") || strings.Contains(seen, "mail saw") {
		t.Errorf("seen: %s", seen)
	}
	if seen := judge(honest())[0].Seen; !strings.Contains(seen, "6 destinations: mail, store, the name server, itself; 5 names") {
		t.Errorf("seen: %s", seen)
	}
}

func TestNothingRecordedNeverPasses(t *testing.T) {
	for _, f := range judge(Observations{}) {
		if f.Outcome != standard.Unknown || f.Why == "" {
			t.Errorf("%s: %s because %q", f.Claim, f.Outcome, f.Why)
		}
	}
}

func TestDeclared(t *testing.T) {
	reached := func(network, address string) func(*Observations) {
		return func(o *Observations) { o.Destinations = append(o.Destinations, Destination{network, address, 1}) }
	}
	asked := func(name string) func(*Observations) {
		return func(o *Observations) { o.Lookups = append(o.Lookups, Lookup{name, "A"}) }
	}
	const none = "of no declared service"
	verify(t, "services.declared", map[string]example{
		"a fixed address":          {reached("tcp", "198.51.100.20:443"), standard.Fail, "tcp 198.51.100.20:443 is that " + none},
		"IPv6":                     {reached("tcp", "[2001:db8::1]:443"), standard.Fail, none},
		"a datagram":               {reached("udp", "203.0.113.7:8125"), standard.Fail, none},
		"another port":             {reached("tcp", "10.2.2.2:6379"), standard.Fail, none},
		"the service by datagram":  {reached("udp", "10.2.2.2:5432"), standard.Pass, ""},
		"the name server, else":    {reached("tcp", "10.9.9.9:443"), standard.Fail, none},
		"port 53 elsewhere":        {reached("udp", "8.8.8.8:53"), standard.Fail, none},
		"loopback, nobody there":   {reached("tcp", "127.0.0.1:6379"), standard.Fail, none},
		"loopback, other protocol": {reached("udp", "127.0.0.1:8080"), standard.Fail, none},
		"own port elsewhere":       {reached("tcp", "198.51.100.20:8080"), standard.Fail, none},
		"unreadable":               {reached("tcp", "nowhere"), standard.Fail, none},
		"a name":                   {asked("updates.example"), standard.Fail, "the name updates.example is that " + none},
		"a name like the host":     {asked("web-abcde-updates.example"), standard.Fail, none},
		"a name like a service":    {asked("x.pg-b.internal"), standard.Fail, none},
		"not answered":             {func(o *Observations) { o.Answered = 0 }, standard.Unknown, "not answered"},
		"watched for a moment":     {func(o *Observations) { o.Watched = 2.9 }, standard.Unknown, "not answered"},
		"watched for long enough":  {func(o *Observations) { o.Watched = 3 }, standard.Pass, ""},
		"not watched":              {func(o *Observations) { o.Known.Resolver = "" }, standard.Fail, none},
		"nothing watched, nothing seen": {func(o *Observations) {
			o.Known.Resolver, o.Destinations = "", nil
		}, standard.Unknown, "nothing watched"},
		"no service": {func(o *Observations) {
			o.Known.Endpoints, o.Destinations, o.Lookups = nil, nil, nil
		}, standard.Pass, ""},
		"strange though unanswered": {func(o *Observations) { o.Answered = 0; asked("x.example")(o) }, standard.Fail, "x.example"},
	})
}

func TestSwapped(t *testing.T) {
	use := func(i int, edit func(*Use)) func(*Observations) { return func(o *Observations) { edit(&o.Uses[i]) } }
	swap := func(edit func(*Swap)) func(*Observations) { return func(o *Observations) { edit(o.Swap) } }
	verify(t, "services.swapped", map[string]example{
		"wrong at first":     {use(1, func(u *Use) { u.First.Wrong = []string{"password"} }), standard.Fail, "store was sent another password"},
		"wrong, not started": {func(o *Observations) { o.Uses[1].First.Wrong, o.Swap = []string{"user"}, nil }, standard.Fail, "store was sent another user"},
		"wrong later":        {use(1, func(u *Use) { u.Second.Wrong = []string{"database"} }), standard.Fail, "second instance of store was sent another database"},
		"returned":           {use(1, func(u *Use) { u.Returned = 1 }), standard.Fail, "still reached the first instance of store"},
		"returned to mail":   {use(0, func(u *Use) { u.Returned = 1 }), standard.Fail, "still reached the first instance of mail"},
		"returned, and did not start": {func(o *Observations) {
			o.Uses[1].Returned, o.Swap.Started = 3, false
		}, standard.Fail, "still reached"},
		"left":              {use(1, func(u *Use) { u.Second.Contacts = 0 }), standard.Fail, "but not the second"},
		"left mail":         {use(0, func(u *Use) { u.Second.Contacts = 0 }), standard.Fail, "first instance of mail, but not"},
		"silent second":     {use(1, func(u *Use) { u.Second.Bytes = 0 }), standard.Fail, "but not the second"},
		"unused":            {use(1, func(u *Use) { u.First, u.Second = Instance{}, Instance{} }), standard.Unknown, "does not use store"},
		"unused at first":   {use(1, func(u *Use) { u.First = Instance{} }), standard.Unknown, "does not use store"},
		"connected only":    {use(1, func(u *Use) { u.First.Bytes, u.Second.Bytes = 0, 0 }), standard.Unknown, "does not use store"},
		"no mail":           {use(0, func(u *Use) { u.First, u.Second = Instance{}, Instance{} }), standard.Pass, ""},
		"no syslog":         {use(0, func(u *Use) { u.Type = "syslog"; u.First, u.Second = Instance{}, Instance{} }), standard.Pass, ""},
		"a file":            {use(1, func(u *Use) { u.Type, u.First, u.Second = "sqlite", Instance{Contacts: 1}, Instance{Contacts: 1} }), standard.Pass, ""},
		"mail alone":        {func(o *Observations) { o.Uses = o.Uses[:1]; o.Uses[0].First, o.Uses[0].Second = Instance{}, Instance{} }, standard.Unknown, "no service was used"},
		"does not start":    {swap(func(s *Swap) { s.Started, s.Err = false, "silence" }), standard.Fail, "did not start on other instances: silence"},
		"crossed":           {swap(func(s *Swap) { s.Crossed = true }), standard.Fail, "stored in the first"},
		"works less":        {swap(func(s *Swap) { s.Worked = 7 }), standard.Fail, "7 requests worked, on the first ones 8"},
		"works more":        {swap(func(s *Swap) { s.Worked = 9 }), standard.Pass, ""},
		"works never":       {swap(func(s *Swap) { s.Worked, s.Before = 0, 0 }), standard.Unknown, "no service was used"},
		"does not show":     {swap(func(s *Swap) { s.Shows = false }), standard.Fail, "not what it stored in the second"},
		"never shows":       {swap(func(s *Swap) { s.Shows, s.Showed = false, false }), standard.Pass, ""},
		"shows only now":    {swap(func(s *Swap) { s.Showed = false }), standard.Pass, ""},
		"not swapped":       {func(o *Observations) { o.Swap = nil }, standard.Unknown, "nothing was swapped"},
		"no service at all": {func(o *Observations) { o.Uses, o.Swap, o.Known.Endpoints = nil, nil, nil }, standard.NotApplicable, "no backing service"},
		"no use recorded":   {func(o *Observations) { o.Uses, o.Swap = nil, nil }, standard.Unknown, "nothing was swapped"},
		"no endpoint known": {func(o *Observations) { o.Known.Endpoints = nil }, standard.Pass, ""},
	})
}
