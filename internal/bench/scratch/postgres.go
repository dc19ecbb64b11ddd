package scratch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	postgresSocket = ".s.PGSQL.5432"
	postgresAdmin  = "scratch_admin"
	adminDatabase  = "template1" // the only one that a template holds
	// bootstrapPassword is the admin's password in a template. It is replaced
	// by a random one before a server is handed out, so it opens nothing.
	bootstrapPassword = "bootstrap"
	// dropTimeout bounds the end of one database.
	dropTimeout = 5 * time.Second
)

// initdbArgs are the arguments of initdb that say what a template holds. WAL
// segments of 1 MiB instead of 16 MiB keep it small.
func initdbArgs() []string {
	return []string{
		"--username=" + postgresAdmin, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8",
		"--wal-segsize=1", "--no-sync",
	}
}

// postgresServer is one PostgreSQL. The admin's connection is shared, under mu.
type postgresServer struct {
	folder string
	socket string
	child  *child
	major  int // version; 0: not known

	mu       sync.Mutex
	admin    *pgx.Conn // nil after Close
	password string    // of the admin

	once     sync.Once
	closeErr error
}

// StartPostgres starts a PostgreSQL. Data are not safe against a crash of the
// host, on purpose: fsync is off. Every login is checked by SCRAM-SHA-256
// (RFC 7677).
func StartPostgres(ctx context.Context, o Options) (Server, error) {
	program, initdb, err := findPostgres()
	if err != nil {
		return nil, err
	}
	cred, err := o.credential()
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	folder, err := newSocketFolder(o.Dir, "p", postgresSocket, cred)
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	s := &postgresServer{folder: folder, socket: filepath.Join(folder, postgresSocket), password: bootstrapPassword}
	base := command{program: program, dir: folder, log: o.log(), cred: cred}
	if err := s.boot(ctx, store{dir: o.Cache, cred: cred}, base, initdb); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *postgresServer) boot(ctx context.Context, st store, base command, initdb string) error {
	release, err := version(ctx, base)
	if err != nil {
		return err
	}
	key := templateKey(Postgres, append(initdbArgs(), pruneSQL, base.program, release)...)
	data := filepath.Join(s.folder, "data")
	build := func(ctx context.Context) error {
		secret := filepath.Join(s.folder, "pw")
		if err := writeSecret(secret, bootstrapPassword+"\n", base.cred); err != nil {
			return err
		}
		c := base
		c.program, c.args = initdb, append(initdbArgs(), "--pwfile="+secret, "--pgdata="+data)
		if err := errors.Join(run(ctx, c), os.Remove(secret)); err != nil {
			return err
		}
		return prune(ctx, base, data)
	}
	return st.boot(ctx, key, data, build, func(ctx context.Context) error { return s.start(ctx, base, data) })
}

// pruneSQL drops all databases but template1, which is what new ones are made
// of and where the admin works. Each holds some 300 files, and making files is
// most of what a start costs.
const pruneSQL = "UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'\n" +
	"DROP DATABASE template0\n" +
	"DROP DATABASE postgres\n" +
	// Somebody who is connected to template1 would keep us from copying it.
	"REVOKE CONNECT ON DATABASE template1 FROM PUBLIC\n"

// prune runs pruneSQL in single-user mode, where each line is a statement.
func prune(ctx context.Context, c command, data string) error {
	c.args = []string{"--single", "-D", data, "-c", "exit_on_error=on", "-c", "fsync=off", adminDatabase}
	c.stdin = strings.NewReader(pruneSQL)
	return run(ctx, c)
}

// start starts the server on a filled data folder and replaces the admin's
// password.
func (s *postgresServer) start(ctx context.Context, c command, data string) error {
	c.args = []string{"-D", data, "-k", s.folder}
	for _, setting := range []string{
		"listen_addresses=", "unix_socket_permissions=0700", "max_connections=" + crowd,
		// The tables of locks have room for this product; with the defaults of 64 they would take 64 MiB more.
		"max_locks_per_transaction=10", "max_pred_locks_per_transaction=10",
		"fsync=off", "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0",
		"shared_buffers=16MB", "dynamic_shared_memory_type=mmap", "autovacuum=off", "jit=off", "log_checkpoints=off",
	} {
		c.args = append(c.args, "-c", setting)
	}
	// An immediate shutdown: the postmaster ends its children and removes its
	// shared memory, which SIGKILL would leave behind.
	c.death = syscall.SIGQUIT
	child, err := start(ctx, c, true)
	if err != nil {
		return err
	}
	s.child = child
	if err := child.ready(ctx, s.takeOver); err != nil {
		return errors.Join(err, child.stop(syscall.SIGQUIT))
	}
	return nil
}

// takeOver logs in with the template's password and replaces it.
func (s *postgresServer) takeOver(ctx context.Context) error {
	conn, err := s.connect(ctx, adminDatabase)
	if err != nil {
		return err
	}
	secret := randomPassword()
	if _, err := conn.Exec(ctx, "ALTER ROLE "+postgresAdmin+" PASSWORD '"+secret+"'"); err != nil {
		return errors.Join(err, conn.Close(ctx))
	}
	number, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), ".")
	if s.major, err = strconv.Atoi(number); err != nil {
		s.major = 0 // a beta such as "19beta1": only the oldest statements are used
	}
	s.admin, s.password = conn, secret
	return nil
}

// connect logs in as the admin.
func (s *postgresServer) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	return connectPostgres(ctx, postgresAdmin, s.password, database, s.dial)
}

func (s *postgresServer) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", s.socket)
}

// exec runs statements as the admin, connecting again when the connection is
// lost. The caller holds mu, or is the only one who knows s.
func (s *postgresServer) exec(ctx context.Context, statements ...string) error {
	if s.admin == nil {
		return ErrClosed
	}
	if s.admin.IsClosed() {
		conn, err := s.connect(ctx, adminDatabase)
		if err != nil {
			return fmt.Errorf("connect to postgres: %w", err)
		}
		s.admin = conn
	}
	for _, statement := range statements {
		if _, err := s.admin.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// Close implements [Server].
func (s *postgresServer) Close() error {
	s.once.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if s.admin != nil {
			_ = s.admin.Close(ctx) // the server ends next, however this went
			s.admin = nil
		}
		var err error
		if s.child != nil {
			err = s.child.stop(syscall.SIGQUIT)
		}
		s.closeErr = errors.Join(err, os.RemoveAll(s.folder))
	})
	return s.closeErr
}

// connectPostgres logs in over the given dialer. It demands SCRAM, so that a
// server that asks for no password is an error, and takes nothing from the
// PG* variables of our own environment; a host that is a path keeps pgx from
// reading certificates.
func connectPostgres(ctx context.Context, user, password, database string, dial dialer) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("host=/scratch port=5432 sslmode=disable target_session_attrs=any connect_timeout=0 " +
		"channel_binding=disable require_auth=scram-sha-256 min_protocol_version=3.0 max_protocol_version=3.0 " +
		"user='" + user + "' password='" + password + "' dbname='" + database + "'")
	if err != nil {
		return nil, fmt.Errorf("configure connection: %w", err)
	}
	config.RuntimeParams, config.Fallbacks = map[string]string{}, nil
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	return pgx.ConnectConfig(ctx, config)
}
