package mailsink

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/emersion/go-smtp"
)

// isClosed tells errors that only say that something was closed before.
func isClosed(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, smtp.ErrServerClosed)
}

// SelfTest is the positive control: it sends a mail with a random nonce over a
// connection of dial, sees it arrive, and takes it out of the record. The sink
// must be in mode Accept, and dial should reach it the way the application
// will. The connection is counted.
func (s *Sink) SelfTest(ctx context.Context, dial func(ctx context.Context) (net.Conn, error)) error {
	if m := s.Mode(); m != Accept {
		return fmt.Errorf("mail sink self-test: the mode is %s", m)
	}
	nonce := rand.Text()
	if err := send(ctx, dial, nonce); err != nil {
		return fmt.Errorf("mail sink self-test: %w", err)
	}
	mine := func(m Message) bool { return bytes.Contains(m.Data, []byte(nonce)) }
	if !s.Wait(ctx, func(all []Message) bool { return slices.ContainsFunc(all, mine) }) {
		return errors.New("mail sink self-test: the mail was accepted and is not in the record")
	}
	s.mu.Lock()
	s.messages = slices.DeleteFunc(slices.Clone(s.messages), mine)
	s.mu.Unlock()
	return nil
}

func send(ctx context.Context, dial func(ctx context.Context) (net.Conn, error), nonce string) error {
	c, err := dial(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = c.Close() })() // unblocks the client
	client := smtp.NewClient(c)
	defer func() { _ = client.Close() }()
	address := "control@" + strings.ToLower(nonce) + ".invalid"
	body := "Subject: control\r\n\r\n" + nonce + "\r\n"
	if err := client.SendMail(address, []string{address}, strings.NewReader(body)); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	if err := client.Quit(); err != nil {
		return fmt.Errorf("quit: %w", err)
	}
	return nil
}
