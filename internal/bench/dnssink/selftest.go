package dnssink

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// SelfTest is the positive control of one transport: over a connection of dial
// it asks for a random name, which must not exist, and again after giving it
// an address, which must come back; then it takes both questions out of the
// record. Dial should reach the sink the way the application will.
func (s *Sink) SelfTest(ctx context.Context, transport string, dial func(ctx context.Context) (net.Conn, error)) error {
	if err := s.selfTest(ctx, transport, dial); err != nil {
		return fmt.Errorf("name server self-test over %s: %w", transport, err)
	}
	return nil
}

func (s *Sink) selfTest(ctx context.Context, transport string, dial func(ctx context.Context) (net.Conn, error)) error {
	c, err := dial(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })() // unblocks the read
	name := strings.ToLower(rand.Text()) + ".invalid"
	var host [2]byte
	_, _ = rand.Read(host[:]) // never fails
	want := netip.AddrFrom4([4]byte{198, 18, host[0], host[1]})
	if m, err := ask(c, transport, name); err != nil {
		return err
	} else if m.RCode != dnsmessage.RCodeNameError {
		return fmt.Errorf("an unknown name gave %s", m.RCode)
	}
	s.Set(name, want)
	defer s.Remove(name)
	m, err := ask(c, transport, name)
	if err != nil {
		return err
	}
	if len(m.Answers) != 1 || m.Answers[0].Body.GoString() != (&dnsmessage.AResource{A: want.As4()}).GoString() {
		return fmt.Errorf("a name that was set gave %s and %d records", m.RCode, len(m.Answers))
	}
	return s.forget(transport, name)
}

// forget takes the two questions of a self-test out of the record; that they
// are there is part of the control.
func (s *Sink) forget(transport, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := func(q Query) bool { return q.Name == name && q.Transport == transport }
	kept := slices.DeleteFunc(slices.Clone(s.queries), mine)
	if len(s.queries)-len(kept) < 2 && s.unrecorded == 0 {
		return errors.New("questions were answered and are not in the record")
	}
	s.queries = kept
	return nil
}

// ask puts one question of type A and returns the reply.
func ask(c net.Conn, transport, name string) (dnsmessage.Message, error) {
	var m dnsmessage.Message
	full, err := dnsmessage.NewName(name + ".")
	if err != nil {
		return m, fmt.Errorf("make question: %w", err)
	}
	query := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 1, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: full, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	packed, err := query.Pack()
	if err != nil {
		return m, fmt.Errorf("make question: %w", err)
	}
	if transport == TCP {
		packed = append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)
	}
	if _, err := c.Write(packed); err != nil {
		return m, fmt.Errorf("ask: %w", err)
	}
	reply := make([]byte, 1<<16)
	n, err := receive(c, transport, reply)
	if err != nil {
		return m, fmt.Errorf("read answer: %w", err)
	}
	if err := m.Unpack(reply[:n]); err != nil {
		return m, fmt.Errorf("read answer: %w", err)
	}
	return m, nil
}

func receive(c net.Conn, transport string, reply []byte) (int, error) {
	if transport != TCP {
		return c.Read(reply)
	}
	if _, err := io.ReadFull(c, reply[:2]); err != nil {
		return 0, err
	}
	return io.ReadFull(c, reply[:binary.BigEndian.Uint16(reply)])
}
