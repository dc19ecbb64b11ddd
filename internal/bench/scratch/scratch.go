// Package scratch starts the backing services that an application under check
// talks to: PostgreSQL, MariaDB, Redis, SQLite and a stub for another web
// service, each for one check only.
//
// The servers are the ordinary programs of the host, found in PATH and in the
// folders where distributions hide them, started as children of this process
// and as an ordinary user. The invariant: a scratch server can be reached
// through one unix socket in a folder that only its user may enter, and through
// nothing else; no TCP port is ever opened, the admin's password exists in this
// process's memory only, and the server ends when this process does, however
// that ends. Passwords are really checked, so a wrong one is really refused.
//
// [Start] gives a [Server]; each [Server.Provision] gives a [Database] with
// credentials of its own. [Server.Snapshot] and [Server.ProvisionFrom] let
// migrations run once. [CheckQuery] is the positive control: it logs in with
// the credentials through any dialer.
//
// A fresh data folder costs half a second to several seconds to make, so it is
// made once per version of the program, kept as one checked archive (see
// template.go) and unpacked for each server.
//
// The room opens no TCP port, proxies nothing and knows nothing of manifests;
// the fault proxy in front of the sockets is another room's. Read next:
// child.go for how processes are kept, postgres.go for one whole server.
package scratch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// Kind names a kind of backing service; the values are those of the manifest.
type Kind string

// The kinds.
const (
	Postgres Kind = "postgres"
	MariaDB  Kind = "mariadb"
	Redis    Kind = "redis"
	SQLite   Kind = "sqlite"
	HTTP     Kind = "http"
)

// crowd is how many connections PostgreSQL and MariaDB take. All boots of a
// check share one server, each with a pool for every process of the application.
const crowd = "2000"

// Errors that callers branch on.
var (
	// ErrMissing: a program is not installed. The error is a *problem.Problem
	// with code RW-B04 that names the package.
	ErrMissing = errors.New("program not installed")
	// ErrRoot: the tool runs as root and no ordinary user was named.
	ErrRoot = errors.New("servers are not run as root: name an ordinary user in Options.Credential")
	// ErrPathTooLong: the socket's path would exceed the 107 bytes that the
	// kernel allows (unix(7)).
	ErrPathTooLong = errors.New("path of the unix socket is too long")
	// ErrClosed: the server or database has been closed.
	ErrClosed = errors.New("closed")
)

// Options says where and as whom servers run.
type Options struct {
	// Dir is an existing folder, owned by the caller, who also removes it. Each
	// server makes a fresh folder in it and removes that on Close. The user of
	// Credential must be able to enter Dir and its parents. Servers are hundreds
	// of small files, so a file system in memory makes starts several times
	// faster, and a short path leaves room for the socket's.
	Dir string
	// Cache is where templates are kept between runs, such as a folder in
	// os.UserCacheDir; it is made with mode 0700 when it is not there. Only the
	// tool itself reads it. Empty: nothing is kept.
	Cache string
	// Credential is the ordinary user that the servers run as when the tool is
	// root. Nil: as ourselves, which root is refused ([ErrRoot]).
	Credential *syscall.Credential
	// Log receives what the servers print. Nil: discarded. Its Write is called
	// from several goroutines, one call at a time for each server.
	Log io.Writer
}

// Server is one running backing service. Its methods may be called from
// several goroutines.
type Server interface {
	// Provision makes a fresh, empty database with fresh credentials.
	Provision(ctx context.Context) (*Database, error)
	// Snapshot keeps the present content of db, which must be of this server.
	// On PostgreSQL it ends the sessions that db has; elsewhere nobody should
	// write meanwhile.
	Snapshot(ctx context.Context, db *Database) (*Template, error)
	// ProvisionFrom makes a database with fresh credentials and the content of
	// t, which the new credentials own.
	ProvisionFrom(ctx context.Context, t *Template) (*Database, error)
	// Close ends the server with all its databases, waits for its processes
	// and removes its folder. It is bounded to a few seconds. Calling it again
	// is fine.
	Close() error
}

// Template is the content of a database at one moment. It lives as long as
// the server that made it.
type Template struct {
	server Server
	name   string // PostgreSQL: a database; MariaDB, Redis, SQLite: a file or folder
	user   string // the account inside the content that a new account replaces
	source string // MariaDB: the database's name inside the content
}

// Start starts a server of the given kind. The context bounds the start, not
// the server's life, which Close ends.
func Start(ctx context.Context, kind Kind, o Options) (Server, error) {
	switch kind {
	case Postgres:
		return StartPostgres(ctx, o)
	case MariaDB:
		return StartMariaDB(ctx, o)
	case Redis:
		return StartRedis(ctx, o)
	case SQLite:
		return StartSQLite(ctx, o)
	case HTTP:
		return StartHTTP(ctx, o)
	}
	return nil, fmt.Errorf("start scratch service: %q is not a kind of service", kind)
}

// credential returns the user to switch to, nil for none.
func (o Options) credential() (*syscall.Credential, error) {
	us := uint32(os.Geteuid()) // a user id is never negative on Linux
	switch {
	case o.Credential == nil && us == 0:
		return nil, ErrRoot
	case o.Credential == nil || us != 0 && o.Credential.Uid == us:
		return nil, nil
	case o.Credential.Uid == 0:
		return nil, ErrRoot
	case us != 0:
		return nil, fmt.Errorf("run servers as user %d: only root may choose the user", o.Credential.Uid)
	}
	return o.Credential, nil
}

// log returns the writer for server output, never nil.
func (o Options) log() io.Writer {
	if o.Log == nil {
		return io.Discard
	}
	return o.Log
}

// own checks that a template is one of this server's.
func (t *Template) own(s Server) error {
	if t == nil || t.server != s {
		return errors.New("template belongs to another server")
	}
	return nil
}

// missing is the problem of a program that is not there.
func missing(program, pkg string) error {
	return &problem.Problem{
		Code:    "RW-B04",
		Summary: "the program " + program + " is not installed, so the bench cannot provide this service",
		Got:     "no " + program + " in PATH, /usr/lib/postgresql/*/bin, /usr/sbin, /usr/libexec",
		Want:    program,
		Fix:     "sudo apt-get install " + pkg,
		Cause:   ErrMissing,
	}
}
