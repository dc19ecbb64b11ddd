package syslog

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
)

// sendDatagrams writes one datagram for each message.
func (s *Sender) sendDatagrams(ctx context.Context, messages []Message) (int, error) {
	for i := range messages {
		if err := s.sendDatagram(ctx, &messages[i]); err != nil {
			return i, err
		}
	}
	return len(messages), nil
}

// sendDatagram writes one message, shorter where the socket takes no more.
func (s *Sender) sendDatagram(ctx context.Context, m *Message) error {
	reopened := false
	for {
		s.fresh.reset()
		s.fresh.buf = s.enc.append(s.fresh.buf, m)
		s.fresh.closes(m.lines())
		_, err := s.link.write(ctx, s.fresh.buf)
		switch {
		case err == nil:
			s.handed(&s.fresh, 1)
			s.link.last = m.lines()
			return nil
		case errors.Is(err, syscall.EMSGSIZE) && s.enc.limit/2 >= minMessage:
			s.enc.limit /= 2
		case s.opts.Network == "udp" && errors.Is(err, syscall.ECONNREFUSED):
			s.refused()
			return err
		case s.opts.Network == "unix" && !reopened && isGone(err):
			reopened = true
			if err := s.reopen(ctx); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// refused counts the datagram before: its refusal is told on the next write.
func (s *Sender) refused() {
	s.state.Lock()
	defer s.state.Unlock()
	s.stats.LostLines += s.link.last
	s.link.last = 0
}

// isGone reports whether the daemon behind a unix socket went away.
func isGone(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOTCONN) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, fs.ErrNotExist)
}

// reopen connects to the socket that a new daemon may have made.
func (s *Sender) reopen(ctx context.Context) error {
	s.link.close()
	s.link = nil
	s.next = s.opts.Now()
	if err := s.dial(ctx); err != nil {
		return err
	}
	if s.link.stream { // the new daemon speaks another way: the caller begins anew
		return errors.New("the socket became a stream")
	}
	return nil
}
