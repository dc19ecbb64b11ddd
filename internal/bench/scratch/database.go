package scratch

import (
	"context"
	"errors"
	"net"
	"sync"
)

// Database is one provisioned database with credentials of its own. Its
// fields do not change.
type Database struct {
	Kind     Kind
	User     string // "" for Redis (its user is "default"), SQLite and HTTP
	Password string // [A-Z2-7], needs no quoting; "" for SQLite and HTTP
	Name     string // of the database; "0" for Redis, "" for SQLite and HTTP
	Path     string // SQLite: the file, which does not exist until the application makes it

	server  Server
	socket  string
	release func() error // frees what Provision took
	stub    *stub        // HTTP

	once     sync.Once
	closeErr error
}

// ErrNoSocket tells that the service is a file and has nothing to connect to.
var ErrNoSocket = errors.New("sqlite has no socket")

// Dial connects to the service's unix socket. The fault proxy calls it for
// each connection of the application.
func (d *Database) Dial(ctx context.Context) (net.Conn, error) {
	if d.socket == "" {
		return nil, ErrNoSocket
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", d.socket)
}

// Requests returns what an HTTP stub has received so far, in order; nil for
// every other kind.
func (d *Database) Requests() []Request {
	if d.stub == nil {
		return nil
	}
	return d.stub.list()
}

// Close drops the database and its account, ending its sessions. After
// Server.Close it does nothing. Calling it again returns the same error.
func (d *Database) Close() error {
	d.once.Do(func() { d.closeErr = d.release() })
	if errors.Is(d.closeErr, ErrClosed) {
		return nil
	}
	return d.closeErr
}

// belongs checks that a database is one of the given server's.
func (d *Database) belongs(s Server) error {
	if d == nil || d.server != s {
		return errors.New("database belongs to another server")
	}
	return nil
}
