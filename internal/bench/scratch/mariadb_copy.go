package scratch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Snapshot implements [Server] by mariadb-dump: tables, views, triggers,
// routines, events and sequences. The history of system-versioned tables is
// not part of it. InnoDB tables are read at one moment, others one by one.
func (s *mariadbServer) Snapshot(ctx context.Context, d *Database) (*Template, error) {
	if err := d.belongs(s); err != nil {
		return nil, fmt.Errorf("snapshot mariadb: %w", err)
	}
	t := &Template{server: s, name: filepath.Join(s.folder, randomName("t")), user: d.User, source: d.Name}
	f, err := os.OpenFile(t.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("snapshot mariadb: %w", err)
	}
	c, err := s.client("mariadb-dump", d, "--single-transaction", "--quick", "--routines", "--events", "--triggers",
		"--no-tablespaces", "--hex-blob", "--skip-comments", "--default-character-set=utf8mb4", "--databases", d.Name)
	if err == nil {
		c.stdout = f
		err = run(ctx, c)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("snapshot mariadb: %w", errors.Join(err, os.Remove(t.name)))
	}
	return t, nil
}

// ProvisionFrom implements [Server]: the dump is replayed by the new account.
// The dump names the old account as the definer of views, triggers and
// routines, and creates the database by its old name with its character set;
// both are replaced where they stand quoted, as the dump writes them.
func (s *mariadbServer) ProvisionFrom(ctx context.Context, t *Template) (*Database, error) {
	if err := t.own(s); err != nil {
		return nil, fmt.Errorf("provision mariadb: %w", err)
	}
	script, err := os.ReadFile(t.name)
	if err != nil {
		return nil, fmt.Errorf("provision mariadb: %w", err)
	}
	d := s.newDatabase()
	script = bytes.ReplaceAll(script, []byte(mariadbAccount(t.user)), []byte(mariadbAccount(d.User)))
	script = bytes.ReplaceAll(script, []byte("`"+t.source+"`"), []byte("`"+d.Name+"`"))
	if err := s.createAccount(ctx, d); err != nil {
		return nil, fmt.Errorf("provision mariadb: %w", err)
	}
	c, err := s.client("mariadb", d, "--binary-mode", "--batch", "--default-character-set=utf8mb4")
	if err == nil {
		c.stdin = bytes.NewReader(script)
		err = run(ctx, c)
	}
	if err != nil {
		return nil, fmt.Errorf("provision mariadb: %w", errors.Join(err, d.Close()))
	}
	return d, nil
}

// client prepares one of the client programs, logged in as the database's own
// account. The password goes through the environment, never the arguments.
func (s *mariadbServer) client(name string, d *Database, args ...string) (command, error) {
	program, err := hostFinder().find("mariadb-client", name)
	if err != nil {
		return command{}, err
	}
	c := s.base
	c.program, c.env = program, []string{"MYSQL_PWD=" + d.Password}
	c.args = append([]string{"--no-defaults", "--socket=" + s.socket, "--user=" + d.User}, args...)
	return c, nil
}
