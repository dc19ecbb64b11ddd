package scratch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

func allKinds() []Kind { return []Kind{Postgres, MariaDB, Redis, SQLite, HTTP} }

// TestEveryKind is the contract of Server and Database.
func TestEveryKind(t *testing.T) {
	for _, kind := range allKinds() {
		t.Run(string(kind), func(t *testing.T) {
			o := options(t)
			s := mustStart(t, kind, o)
			ctx := context30(t)
			one, two := mustProvision(t, s), mustProvision(t, s)
			for _, d := range []*Database{one, two} {
				if err := CheckQuery(ctx, d, nil); err != nil {
					t.Fatal(err)
				}
			}
			if one.Password == two.Password && kind != SQLite && kind != HTTP {
				t.Error("two databases have the same password")
			}
			template, err := s.Snapshot(ctx, one)
			if err != nil {
				t.Fatal(err)
			}
			copied, err := s.ProvisionFrom(ctx, template)
			if err != nil {
				t.Fatal(err)
			}
			if err := one.Close(); err != nil {
				t.Fatal(err)
			}
			if err := CheckQuery(ctx, one, nil); err == nil && kind != SQLite {
				t.Error("a closed database still answers")
			}
			for _, d := range []*Database{two, copied} {
				if err := CheckQuery(ctx, d, nil); err != nil {
					t.Errorf("after another was closed: %v", err)
				}
			}
			checkEnd(t, s, two, o.Dir)
		})
	}
}

// checkEnd closes s and checks that nothing of it is left.
func checkEnd(t *testing.T, s Server, d *Database, dir string) {
	t.Helper()
	pid := pidOf(s, d)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := d.Close(); err != nil {
		t.Errorf("close a database of a closed server: %v", err)
	}
	if pid != 0 && running(pid) {
		t.Errorf("process %d runs after Close", pid)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("folders are left after Close: %v", left)
	}
	if _, err := s.Provision(t.Context()); err == nil {
		t.Error("a closed server provisions")
	}
}

// TestCredentialsAreChecked tries what must not open a database.
func TestCredentialsAreChecked(t *testing.T) {
	for _, kind := range []Kind{Postgres, MariaDB, Redis} {
		t.Run(string(kind), func(t *testing.T) {
			s := mustStart(t, kind, options(t))
			one, two := mustProvision(t, s), mustProvision(t, s)
			bad := map[string]*Database{
				"wrong password": altered(one, one.User, two.Password, one.Name),
				"no password":    altered(one, one.User, "", one.Name),
			}
			if kind != Redis {
				bad["another's database"] = altered(one, one.User, one.Password, two.Name)
				bad["unknown user"] = altered(one, "nobody", one.Password, one.Name)
				bad["system user"] = altered(one, "root", "", one.Name)
				bad["template's admin"] = altered(one, postgresAdmin, bootstrapPassword, one.Name)
				bad["admin without password"] = altered(one, mariadbAdmin, "", one.Name)
			}
			for what, d := range bad {
				if err := CheckQuery(context30(t), d, nil); err == nil {
					t.Errorf("%s: accepted", what)
				} else if !refused(err) {
					t.Errorf("%s: not refused by the server: %v", what, err)
				}
			}
			if err := CheckQuery(context30(t), one, nil); err != nil {
				t.Errorf("right credentials: %v", err)
			}
		})
	}
}

// refused says whether a server, not the way to it, said no.
func refused(err error) bool {
	var postgres *pgconn.PgError
	var mariadb *mysql.MySQLError
	return errors.As(err, &postgres) || errors.As(err, &mariadb) || strings.Contains(err.Error(), "redis answered")
}

// TestNoTCP looks at the sockets that each server process holds.
func TestNoTCP(t *testing.T) {
	for _, kind := range []Kind{Postgres, MariaDB, Redis} {
		t.Run(string(kind), func(t *testing.T) {
			s := mustStart(t, kind, options(t))
			pid := pidOf(s, mustProvision(t, s))
			held := map[string]bool{}
			fds := fmt.Sprintf("/proc/%d/fd", pid)
			entries, err := os.ReadDir(fds)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range entries {
				target, _ := os.Readlink(filepath.Join(fds, entry.Name()))
				if inode, ok := strings.CutPrefix(target, "socket:["); ok {
					held[strings.TrimSuffix(inode, "]")] = true
				}
			}
			if len(held) == 0 {
				t.Fatal("the server holds no socket at all; the test sees nothing")
			}
			for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
				rows, _ := os.ReadFile("/proc/net/" + table)
				for row := range strings.Lines(string(rows)) {
					if f := strings.Fields(row); len(f) > 9 && held[f[9]] {
						t.Errorf("%s socket: %s", table, row)
					}
				}
			}
		})
	}
}

// TestArgumentsHoldNoSecret reads what every user of the host can read.
func TestArgumentsHoldNoSecret(t *testing.T) {
	for _, kind := range []Kind{Postgres, MariaDB, Redis} {
		t.Run(string(kind), func(t *testing.T) {
			s := mustStart(t, kind, options(t))
			args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pidOf(s, mustProvision(t, s))))
			if err != nil || len(args) == 0 {
				t.Fatal("no arguments to read", err)
			}
			if regexp.MustCompile(`[A-Z2-7]{26}`).Match(args) {
				t.Errorf("a password is among the arguments: %q", args)
			}
		})
	}
}

func TestServersOfOneKindAreApart(t *testing.T) {
	for _, kind := range []Kind{Postgres, MariaDB, Redis} {
		t.Run(string(kind), func(t *testing.T) {
			o := options(t)
			a, b := mustStart(t, kind, o), mustStart(t, kind, o)
			d := mustProvision(t, a)
			other := mustProvision(t, b)
			if err := CheckQuery(context30(t), d, other.Dial); err == nil {
				t.Error("credentials of one server open another")
			}
			if _, err := b.Snapshot(context30(t), d); err == nil {
				t.Error("a server takes a snapshot of another's database")
			}
		})
	}
}

func TestRootIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		if _, err := StartPostgres(t.Context(), Options{Dir: t.TempDir(), Credential: &syscall.Credential{Uid: 1}}); err == nil {
			t.Error("an ordinary user became another")
		}
		return
	}
	for _, kind := range []Kind{Postgres, MariaDB, Redis} {
		for _, credential := range []*syscall.Credential{nil, {Uid: 0}} {
			if _, err := Start(t.Context(), kind, Options{Dir: t.TempDir(), Credential: credential}); !errors.Is(err, ErrRoot) {
				t.Errorf("%s as %v: got %v, want ErrRoot", kind, credential, err)
			}
		}
	}
}

func TestLongPathIsRefused(t *testing.T) {
	o := options(t)
	o.Dir = filepath.Join(o.Dir, strings.Repeat("long", 25))
	if err := os.Mkdir(o.Dir, 0o755); err != nil { // the servers' user must get through
		t.Fatal(err)
	}
	for _, kind := range []Kind{Postgres, MariaDB, Redis, HTTP} {
		s, err := Start(context30(t), kind, o)
		if err == nil {
			_, err = s.Provision(context30(t))
		}
		if !errors.Is(err, ErrPathTooLong) || !strings.Contains(err.Error(), "TMPDIR") {
			t.Errorf("%s: got %v, want ErrPathTooLong with a way out", kind, err)
		}
	}
	if left, _ := os.ReadDir(o.Dir); len(left) > 0 {
		t.Errorf("folders are left: %v", left)
	}
}

func TestMissingProgram(t *testing.T) {
	_, err := finder{path: t.TempDir()}.find("postgresql", "postgres")
	p, ok := problem.Of(err)
	if !errors.Is(err, ErrMissing) || !ok || p.Code != "RW-B04" || p.Fix != "sudo apt-get install postgresql" {
		t.Errorf("got %v", err)
	}
}

func TestNewestProgramWins(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9.6", "13", "17", "8"} {
		bin := filepath.Join(root, version, "bin")
		if err := os.MkdirAll(bin, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "postgres"), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// The folder's own path may hold digits; so does a real one.
	if newestFirst("/usr/lib/postgresql/9.6/bin", "/usr/lib/postgresql/17/bin") < 0 {
		t.Error("9.6 before 17")
	}
	if err := os.Chmod(filepath.Join(root, "17", "bin", "postgres"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	if executable("17/bin/postgres") || !executable("13/bin/postgres") {
		t.Error("a file without the x bit is no program")
	}
}

func TestStartIsBoundedByContext(t *testing.T) {
	for _, kind := range []Kind{Postgres, MariaDB} {
		o := options(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if s, err := Start(ctx, kind, o); err == nil {
			t.Errorf("%s: started after its context ended", kind)
			_ = s.Close()
		}
		if left, _ := os.ReadDir(o.Dir); len(left) > 0 {
			t.Errorf("%s: folders are left: %v", kind, left)
		}
	}
}

func TestProvisionTogether(t *testing.T) {
	for _, kind := range allKinds() {
		t.Run(string(kind), func(t *testing.T) {
			s := mustStart(t, kind, options(t))
			ctx := context30(t)
			errs := make(chan error, 4)
			for range cap(errs) {
				go func() {
					d, err := s.Provision(ctx)
					if err == nil {
						err = errors.Join(CheckQuery(ctx, d, nil), d.Close())
					}
					errs <- err
				}()
			}
			for range cap(errs) {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestEnvironmentIsIgnored sets what libpq's users set for their own servers.
func TestEnvironmentIsIgnored(t *testing.T) {
	for name, value := range map[string]string{
		"PGHOST": "db.example", "PGPORT": "1", "PGUSER": "me", "PGPASSWORD": "mine", "PGDATABASE": "mine", "PGDATA": "/nonexistent",
		"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/nonexistent", "PGOPTIONS": "-c role=me", "PGREQUIREAUTH": "none",
		"PGTARGETSESSIONATTRS": "standby", "PGCHANNELBINDING": "require", "PGMINPROTOCOLVERSION": "3.2", "PGTZ": "nowhere",
		"MYSQL_UNIX_PORT": "/nonexistent", "MYSQL_HOST": "db.example", "MYSQL_HOME": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
	for _, kind := range []Kind{Postgres, MariaDB} {
		d := mustProvision(t, mustStart(t, kind, options(t)))
		if err := CheckQuery(context30(t), d, nil); err != nil {
			t.Error(err)
		}
	}
}

// TestQueryIsBounded asks a service that accepts and says nothing.
func TestQueryIsBounded(t *testing.T) {
	for _, kind := range []Kind{Postgres, MariaDB, Redis, HTTP} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		var far net.Conn
		err := CheckQuery(ctx, &Database{Kind: kind, User: "u", Password: "p", Name: "d"}, func(context.Context) (net.Conn, error) {
			var near net.Conn
			near, far = net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, far) }() // ends with near, which the query closes
			return near, nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v", kind, err)
		}
		_ = far.Close()
	}
}
