package dnssink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var one = netip.MustParseAddr("192.0.2.1")

type rig struct {
	*Sink
	udp, tcp string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	s := New(Options{})
	t.Cleanup(func() { s.Close() })
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.ServePacket(pc)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(l)
	return &rig{s, pc.LocalAddr().String(), l.Addr().String()}
}

func (r *rig) dial(network string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		addr := r.udp
		if network == "tcp" {
			addr = r.tcp
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}

// resolver is Go's own client, which speaks EDNS.
func (r *rig) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return r.dial(network)(ctx)
	}}
}

func TestZone(t *testing.T) {
	r := newRig(t)
	look := func(network, name string) ([]netip.Addr, error) {
		return r.resolver().LookupNetIP(t.Context(), network, name)
	}
	absent := func(err error) bool {
		var e *net.DNSError
		return errors.As(err, &e) && e.IsNotFound
	}
	if _, err := look("ip4", "db.example.test."); !absent(err) {
		t.Fatalf("unknown name: %v", err)
	}
	r.Set("DB.example.test", one)
	if got, err := look("ip4", "db.Example.test."); err != nil || !slices.Equal(got, []netip.Addr{one}) {
		t.Fatalf("got %v, %v", got, err)
	}
	if _, err := look("ip6", "db.example.test."); !absent(err) {
		t.Fatalf("AAAA: %v", err)
	}
	six := netip.MustParseAddr("2001:db8::1")
	r.Set("db.example.test.", six)
	if got, err := look("ip6", "db.example.test."); err != nil || !slices.Equal(got, []netip.Addr{six}) {
		t.Fatalf("got %v, %v", got, err)
	}
	r.Remove("db.example.test")
	if _, err := look("ip6", "db.example.test."); !absent(err) {
		t.Fatalf("removed name: %v", err)
	}
	var kinds []string
	for _, q := range r.Queries() {
		if q.Name != "db.example.test" || q.Transport != UDP || time.Since(q.Received) > time.Minute {
			t.Errorf("%+v", q)
		}
		kinds = append(kinds, fmt.Sprintf("%s %t", q.Type, q.Known))
	}
	if want := []string{"A false", "A true", "AAAA true", "AAAA true", "AAAA false"}; fmt.Sprint(kinds) != fmt.Sprint(want) {
		t.Errorf("recorded %v, want %v", kinds, want)
	}
}

func TestKnownNameWithoutRecordsIsNoError(t *testing.T) {
	r := newRig(t)
	r.Set("db", one)
	for _, kind := range []dnsmessage.Type{dnsmessage.TypeAAAA, dnsmessage.TypeTXT, dnsmessage.Type(64999)} {
		m := unpack(t, r.answer(query(t, "db.", kind, 0), UDP))
		if m.RCode != dnsmessage.RCodeSuccess || len(m.Answers) != 0 || len(m.Authorities) != 1 {
			t.Errorf("%v: %+v", kind, m)
		}
	}
	if got := fmt.Sprint(r.Queries()[0].Type, r.Queries()[1].Type, r.Queries()[2].Type); got != "AAAATXT64999" {
		t.Errorf("types %s", got)
	}
}

func query(t testing.TB, name string, kind dnsmessage.Type, edns int) []byte {
	t.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 77, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
	if edns > 0 {
		var h dnsmessage.ResourceHeader
		if err := h.SetEDNS0(edns, 0, false); err != nil {
			t.Fatal(err)
		}
		m.Additionals = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.OPTResource{}}}
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unpack(t testing.TB, b []byte) dnsmessage.Message {
	t.Helper()
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil {
		t.Fatalf("%v: %x", err, b)
	}
	return m
}

func TestLongAnswersAreTruncatedOverUDPAlone(t *testing.T) {
	r := newRig(t)
	var many []netip.Addr
	for i := range 60 {
		many = append(many, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
	}
	r.Set("many.test", many...)
	ask := func(edns int, transport string) dnsmessage.Message {
		return unpack(t, r.answer(query(t, "many.test.", dnsmessage.TypeA, edns), transport))
	}
	if m := ask(0, UDP); !m.Truncated || len(m.Answers) != 0 || m.ID != 77 || len(m.Additionals) != 0 {
		t.Errorf("%+v", m.Header)
	}
	if m := ask(4096, UDP); m.Truncated || len(m.Answers) != 60 || len(m.Additionals) != 1 {
		t.Errorf("%+v", m.Header)
	}
	if m := ask(0, TCP); m.Truncated || len(m.Answers) != 60 {
		t.Errorf("%+v", m.Header)
	}
	got, err := r.resolver().LookupNetIP(t.Context(), "ip4", "many.test.")
	if err != nil || len(got) != 60 {
		t.Errorf("%d addresses, %v", len(got), err)
	}
}

func TestWhatIsNoQuery(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	answer := query(t, "x.", dnsmessage.TypeA, 0)
	answer[2] |= 0x80
	for _, b := range [][]byte{nil, []byte("hello"), answer} {
		if got := s.answer(b, UDP); got != nil {
			t.Errorf("%x was answered", b)
		}
	}
	cut := query(t, "x.", dnsmessage.TypeA, 0)[:14]
	if m := unpack(t, s.answer(cut, UDP)); m.RCode != dnsmessage.RCodeFormatError {
		t.Errorf("%+v", m)
	}
	update := query(t, "x.", dnsmessage.TypeA, 0)
	update[2] |= 5 << 3
	if m := unpack(t, s.answer(update, UDP)); m.RCode != dnsmessage.RCodeNotImplemented {
		t.Errorf("%+v", m)
	}
	if n := len(s.Queries()); n != 0 {
		t.Errorf("%d questions recorded", n)
	}
}

func TestSelfTestAndWait(t *testing.T) {
	r := newRig(t)
	for _, transport := range []string{UDP, TCP} {
		if err := r.SelfTest(t.Context(), transport, r.dial(transport)); err != nil {
			t.Error(err)
		}
	}
	if n := len(r.Queries()); n != 0 {
		t.Errorf("%d questions are left", n)
	}
	other := newRig(t)
	if err := r.SelfTest(t.Context(), TCP, other.dial(TCP)); err == nil {
		t.Error("another name server passed for this one")
	}
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.SelfTest(short, UDP, func(context.Context) (net.Conn, error) {
		return net.Dial("udp", dead.LocalAddr().String())
	}); err == nil {
		t.Error("a dead name server passed")
	}
	if r.Wait(short, func(q []Query) bool { return len(q) > 0 }) {
		t.Error("there was nothing to wait for")
	}
	var asking sync.WaitGroup
	asking.Go(func() { _, _ = r.resolver().LookupHost(t.Context(), "late.test.") })
	long, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if !r.Wait(long, func(all []Query) bool {
		return slices.ContainsFunc(all, func(q Query) bool { return q.Name == "late.test" })
	}) {
		t.Error("the question was not seen")
	}
	asking.Wait()
}

func TestCloseEndsOpenConnections(t *testing.T) {
	r := newRig(t)
	c, err := net.Dial("tcp", r.tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}

func TestRecordIsBounded(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	for range maxQueries + 3 {
		s.look(Query{Name: "x"})
	}
	if len(s.Queries()) != maxQueries || s.Unrecorded() != 3 {
		t.Fatalf("%d questions, %d beyond", len(s.Queries()), s.Unrecorded())
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(query(f, "db.example.test.", dnsmessage.TypeA, 1232))
	f.Add(query(f, "x.", dnsmessage.TypeAAAA, 0))
	s := New(Options{})
	s.Set("x", one)
	f.Fuzz(func(t *testing.T, data []byte) {
		if reply := s.answer(data, UDP); reply != nil {
			if m := unpack(t, reply); !m.Response || len(reply) > ednsSize {
				t.Fatalf("%d bytes: %+v", len(reply), m.Header)
			}
		}
	})
}
