package scratch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/go-sql-driver/mysql"
)

const (
	mariadbSocket = "s"
	mariadbAdmin  = "scratch_admin"
)

// mariadbServer is one MariaDB. Its methods are safe together, since the
// admin's *sql.DB is.
type mariadbServer struct {
	folder string
	socket string
	base   command // with the client programs' folder, user and log
	child  *child
	admin  *sql.DB // nil until started

	once     sync.Once
	closeErr error
}

// innodbArgs say how the files of a template look; the server must be given
// the same. Small files, no waiting for the disk, no kernel AIO (its number of
// requests is limited for the whole host by fs.aio-max-nr).
func innodbArgs() []string {
	return []string{
		"--innodb-data-file-path=ibdata1:5M:autoextend", "--innodb-autoextend-increment=1",
		"--innodb-log-file-size=4M", "--innodb-undo-tablespaces=0", "--innodb-use-native-aio=0",
		"--innodb-flush-method=nosync",
	}
}

// StartMariaDB starts a MariaDB. Data are not safe against a crash of the
// host, on purpose. Every login is checked by mysql_native_password; there is
// no account that the socket's user alone opens.
func StartMariaDB(ctx context.Context, o Options) (Server, error) {
	program, install, err := findMariaDB()
	if err != nil {
		return nil, err
	}
	cred, err := o.credential()
	if err != nil {
		return nil, fmt.Errorf("start mariadb: %w", err)
	}
	folder, err := newSocketFolder(o.Dir, "m", mariadbSocket, cred)
	if err != nil {
		return nil, fmt.Errorf("start mariadb: %w", err)
	}
	s := &mariadbServer{
		folder: folder, socket: filepath.Join(folder, mariadbSocket),
		base: command{program: program, dir: folder, log: o.log(), cred: cred},
	}
	if err := s.boot(ctx, store{dir: o.Cache, cred: cred}, install); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *mariadbServer) boot(ctx context.Context, st store, install string) error {
	release, err := version(ctx, s.base)
	if err != nil {
		return err
	}
	args := append(innodbArgs(), "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	key := templateKey(MariaDB, append(args, s.base.program, release)...)
	data := filepath.Join(s.folder, "data")
	build := func(ctx context.Context) error {
		c := s.base
		c.program, c.args = install, append([]string{"--no-defaults", "--datadir=" + data}, args...)
		return run(ctx, c)
	}
	return st.boot(ctx, key, data, build, func(ctx context.Context) error { return s.start(ctx, data) })
}

// start starts the server on a filled data folder. The init file replaces all
// accounts before the first connection is accepted; mariadb.sys cannot log in
// and owns views of the system.
func (s *mariadbServer) start(ctx context.Context, data string) error {
	password, initFile := randomPassword(), filepath.Join(s.folder, "init.sql")
	account := "'" + mariadbAdmin + "'@'localhost'"
	err := writeSecret(initFile, "DELETE FROM mysql.proxies_priv;\n"+
		"DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';\n"+
		"FLUSH PRIVILEGES;\n"+
		"CREATE USER "+account+" IDENTIFIED BY '"+password+"';\n"+
		"GRANT ALL ON *.* TO "+account+" WITH GRANT OPTION;\n", s.base.cred)
	if err != nil {
		return err
	}
	c := s.base
	c.args = append([]string{
		"--no-defaults", "--datadir=" + data, "--socket=" + s.socket, "--init-file=" + initFile,
		"--pid-file=" + filepath.Join(s.folder, "pid"), "--tmpdir=" + s.folder,
		"--skip-networking", "--skip-name-resolve", "--skip-log-bin", "--performance-schema=OFF",
		// The server lowers max-connections where it may not open as many files as
		// it computes from it, 34,000 with the default caches of tables.
		"--max-connections=" + crowd, "--table-open-cache=400", "--table-open-cache-instances=1",
		"--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci",
		"--innodb-buffer-pool-size=16M", "--innodb-buffer-pool-load-at-startup=0", "--innodb-doublewrite=0",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-temp-data-file-path=ibtmp1:1M:autoextend",
		"--key-buffer-size=1M", "--aria-pagecache-buffer-size=8M",
	}, innodbArgs()...)
	admin, err := openMariaDB(mariadbAdmin, password, "", s.dial)
	if err != nil {
		return err
	}
	admin.SetMaxOpenConns(2)
	child, err := start(ctx, c, true)
	if err == nil {
		s.child = child
		err = child.ready(ctx, admin.PingContext)
	}
	if err = errors.Join(err, os.Remove(initFile)); err != nil {
		return errors.Join(err, admin.Close())
	}
	s.admin = admin
	return nil
}

func (s *mariadbServer) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", s.socket)
}

// exec runs statements as the admin.
func (s *mariadbServer) exec(ctx context.Context, statements ...string) error {
	select {
	case <-s.child.done:
		return ErrClosed
	default:
	}
	for _, statement := range statements {
		if _, err := s.admin.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// Provision implements [Server]: a new account with all rights on a new
// database and none elsewhere.
func (s *mariadbServer) Provision(ctx context.Context) (*Database, error) {
	d := s.newDatabase()
	err := s.exec(ctx, "CREATE DATABASE "+d.Name)
	if err == nil {
		err = s.createAccount(ctx, d)
	}
	if err != nil {
		return nil, fmt.Errorf("provision mariadb: %w", err)
	}
	return d, nil
}

// newDatabase invents a name and credentials.
func (s *mariadbServer) newDatabase() *Database {
	d := &Database{
		Kind: MariaDB, User: randomName("u"), Password: randomPassword(), Name: randomName("d"),
		server: s, socket: s.socket,
	}
	d.release = func() error { return s.drop(d) }
	return d
}

func (s *mariadbServer) createAccount(ctx context.Context, d *Database) error {
	return s.exec(ctx,
		"CREATE USER "+mariadbAccount(d.User)+" IDENTIFIED BY '"+d.Password+"'",
		"GRANT ALL ON "+d.Name+".* TO "+mariadbAccount(d.User))
}

// mariadbAccount returns the account of a user as the server writes it.
func mariadbAccount(user string) string { return "`" + user + "`@`%`" }

func (s *mariadbServer) drop(d *Database) error {
	ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
	defer cancel()
	// Without its account first, a pool of connections could come back.
	err := s.exec(ctx,
		"DROP USER "+mariadbAccount(d.User),
		"KILL HARD USER "+d.User,
		"DROP DATABASE IF EXISTS "+d.Name)
	if err != nil {
		return fmt.Errorf("drop mariadb database: %w", err)
	}
	return nil
}

// Close implements [Server]. The data are of no use afterwards, so nothing is
// gained by an orderly shutdown.
func (s *mariadbServer) Close() error {
	s.once.Do(func() {
		var err error
		if s.child != nil {
			err = s.child.stop(syscall.SIGKILL)
		}
		if s.admin != nil {
			_ = s.admin.Close() // its connections are cut already
		}
		s.closeErr = errors.Join(err, os.RemoveAll(s.folder))
	})
	return s.closeErr
}

// openMariaDB returns a handle that logs in over the given dialer. It connects
// only when it is used.
func openMariaDB(user, password, database string, dial dialer) (*sql.DB, error) {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.DBName = user, password, database
	config.Net, config.Addr = "unix", "scratch"
	config.Logger = &mysql.NopLogger{}
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("configure connection: %w", err)
	}
	return sql.OpenDB(connector), nil
}
