package dnssink

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	plainSize = 512  // the most that a client without EDNS takes over UDP (RFC 1035, section 4.2.1)
	ednsSize  = 1232 // what we offer: passes every path unfragmented
)

// question is what was understood of a query.
type question struct {
	header dnsmessage.Header
	dnsmessage.Question
	edns  bool
	limit int // the most bytes that the client takes over UDP
}

// answer returns the reply to a query, or nil for what deserves none: bytes
// that are no query.
func (s *Sink) answer(query []byte, transport string) []byte {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil || header.Response {
		return nil
	}
	if header.OpCode != 0 {
		return pack(question{header: header}, dnsmessage.RCodeNotImplemented, nil, 0)
	}
	q, err := parse(&parser, header)
	if err != nil {
		return pack(question{header: header}, dnsmessage.RCodeFormatError, nil, 0)
	}
	addresses, known := s.look(Query{
		Name: canonical(q.Name.String()), Type: typeName(q.Type), Transport: transport,
	})
	limit := q.limit
	if transport == TCP {
		limit = 1<<16 - 1
	}
	if !known || q.Class != dnsmessage.ClassINET && q.Class != dnsmessage.ClassANY {
		return pack(q, dnsmessage.RCodeNameError, nil, limit)
	}
	return pack(q, dnsmessage.RCodeSuccess, records(addresses, q.Type), limit)
}

// parse reads the one question and, if there, the OPT record.
func parse(parser *dnsmessage.Parser, header dnsmessage.Header) (question, error) {
	q := question{header: header, limit: plainSize}
	asked, err := parser.Question()
	if err != nil {
		return q, fmt.Errorf("read question: %w", err)
	}
	q.Question = asked
	for _, skip := range []func() error{parser.SkipAllQuestions, parser.SkipAllAnswers, parser.SkipAllAuthorities} {
		if err := skip(); err != nil {
			return q, fmt.Errorf("read query: %w", err)
		}
	}
	for {
		h, err := parser.AdditionalHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return q, nil
		}
		if err != nil {
			return q, fmt.Errorf("read additional record: %w", err)
		}
		if h.Type == dnsmessage.TypeOPT {
			q.edns = true
			q.limit = min(max(int(h.Class), plainSize), ednsSize) // OPT keeps the size there
		}
		if err := parser.SkipAdditional(); err != nil {
			return q, fmt.Errorf("read additional record: %w", err)
		}
	}
}

// records are the addresses that a question of that type is after.
func records(addresses []netip.Addr, t dnsmessage.Type) []dnsmessage.ResourceBody {
	var bodies []dnsmessage.ResourceBody
	for _, a := range addresses {
		a = a.Unmap()
		switch {
		case a.Is4() && (t == dnsmessage.TypeA || t == dnsmessage.TypeALL):
			bodies = append(bodies, &dnsmessage.AResource{A: a.As4()})
		case a.Is6() && (t == dnsmessage.TypeAAAA || t == dnsmessage.TypeALL):
			bodies = append(bodies, &dnsmessage.AAAAResource{AAAA: a.As16()})
		}
	}
	return bodies
}

// pack writes the reply. One that is longer than limit is sent without its
// records and marked as truncated, so that the client asks again over TCP.
func pack(q question, code dnsmessage.RCode, bodies []dnsmessage.ResourceBody, limit int) []byte {
	m := dnsmessage.Message{Header: dnsmessage.Header{
		ID: q.header.ID, Response: true, OpCode: q.header.OpCode, Authoritative: true,
		RecursionDesired: q.header.RecursionDesired, RecursionAvailable: true, RCode: code,
	}}
	if q.Name.Length > 0 {
		m.Questions = []dnsmessage.Question{q.Question}
		for _, b := range bodies {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}, Body: b,
			})
		}
		if len(bodies) == 0 {
			m.Authorities = []dnsmessage.Resource{denial()}
		}
	}
	if q.edns {
		var h dnsmessage.ResourceHeader
		if err := h.SetEDNS0(ednsSize, dnsmessage.RCodeSuccess, false); err == nil {
			m.Additionals = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.OPTResource{}}}
		}
	}
	reply, err := m.Pack()
	if err == nil && limit > 0 && len(reply) > limit {
		m.Truncated, m.Answers, m.Authorities = true, nil, nil
		reply, err = m.Pack()
	}
	if err != nil {
		return nil
	}
	return reply
}

// denial is the SOA record that forbids to remember a denial (RFC 2308).
func denial() dnsmessage.Resource {
	root := dnsmessage.MustNewName(".")
	return dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: root, Class: dnsmessage.ClassINET},
		Body:   &dnsmessage.SOAResource{NS: root, MBox: root, Serial: 1, Refresh: 1, Retry: 1, Expire: 1},
	}
}

// typeName is the usual name of a record type, or its number.
func typeName(t dnsmessage.Type) string {
	name := strings.TrimPrefix(t.String(), "Type")
	if name == "ALL" {
		return "ANY"
	}
	return name
}
