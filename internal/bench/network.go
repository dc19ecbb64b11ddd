package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench/dnssink"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

// Resolver returns the address of the sandbox's name server, as the
// application reads it.
func (b *Boot) Resolver(ctx context.Context) (string, error) {
	text, err := b.sandbox.ReadFile(ctx, "/etc/resolv.conf")
	if err != nil {
		return "", fmt.Errorf("find the name server: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "nameserver" {
			return fields[1], nil
		}
	}
	return "", errors.New("the sandbox has no name server")
}

// ControlNetwork is the positive control of what sees the application's
// destinations: the name server answers and records, and a connection from
// within shows among the destinations.
func (b *Boot) ControlNetwork(ctx context.Context) error {
	resolver, err := b.Resolver(ctx)
	if err != nil {
		return err
	}
	for _, transport := range []string{dnssink.UDP, dnssink.TCP} {
		err := b.names.SelfTest(ctx, transport, func(ctx context.Context) (net.Conn, error) {
			return b.sandbox.Dial(ctx, transport, resolver+":53", b.front)
		})
		if err != nil {
			return fmt.Errorf("ask the name server over %s: %w", transport, err)
		}
	}
	all, err := b.sandbox.Destinations(ctx)
	if err != nil {
		return err
	}
	for _, network := range []string{"tcp", "udp"} {
		if !slices.ContainsFunc(all, func(d sandbox.Destination) bool {
			return d.Network == network && d.Source == b.front && d.Address == resolver+":53"
		}) {
			return fmt.Errorf("the packets of our own %s connection to the name server were not seen", network)
		}
	}
	return nil
}
