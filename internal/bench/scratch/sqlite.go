package scratch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const sqliteFile = "app.sqlite3"

// sqliteSuffixes are the files of one database that a copy needs: itself, the
// write-ahead log and the rollback journal. The shared memory file "-shm" is
// rebuilt from the log (sqlite.org/walformat.html section 2.2).
func sqliteSuffixes() []string { return []string{"", "-wal", "-journal"} }

// sqliteServer hands out paths. There is no process.
type sqliteServer struct {
	folder string
	cred   *syscall.Credential
}

// StartSQLite makes a folder for database files. With Options.Credential its
// files belong to that user; root may do without.
func StartSQLite(_ context.Context, o Options) (Server, error) {
	cred, err := o.credential()
	if err != nil && !errors.Is(err, ErrRoot) {
		return nil, fmt.Errorf("start sqlite: %w", err)
	}
	folder, err := newFolder(o.Dir, "s", cred)
	if err != nil {
		return nil, fmt.Errorf("start sqlite: %w", err)
	}
	return &sqliteServer{folder: folder, cred: cred}, nil
}

// Provision implements [Server]: a file that does not exist yet, in a folder of
// its own, since SQLite makes further files beside it.
func (s *sqliteServer) Provision(context.Context) (*Database, error) {
	folder, err := newFolder(s.folder, "d", s.cred)
	if err != nil {
		return nil, fmt.Errorf("provision sqlite: %w", err)
	}
	return &Database{
		Kind: SQLite, Path: filepath.Join(folder, sqliteFile), server: s,
		release: func() error { return os.RemoveAll(folder) },
	}, nil
}

// Snapshot implements [Server] by copying the files; nobody may write to them
// meanwhile.
func (s *sqliteServer) Snapshot(_ context.Context, d *Database) (*Template, error) {
	if err := d.belongs(s); err != nil {
		return nil, fmt.Errorf("snapshot sqlite: %w", err)
	}
	folder, err := newFolder(s.folder, "t", nil)
	if err == nil {
		err = copySQLite(d.Path, filepath.Join(folder, sqliteFile), nil)
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot sqlite: %w", err)
	}
	return &Template{server: s, name: filepath.Join(folder, sqliteFile)}, nil
}

// ProvisionFrom implements [Server].
func (s *sqliteServer) ProvisionFrom(ctx context.Context, t *Template) (*Database, error) {
	if err := t.own(s); err != nil {
		return nil, fmt.Errorf("provision sqlite: %w", err)
	}
	d, err := s.Provision(ctx)
	if err != nil {
		return nil, err
	}
	if err := copySQLite(t.name, d.Path, s.cred); err != nil {
		return nil, fmt.Errorf("provision sqlite: %w", errors.Join(err, d.Close()))
	}
	return d, nil
}

// Close implements [Server].
func (s *sqliteServer) Close() error { return os.RemoveAll(s.folder) }

// copySQLite copies what there is of a database, which may be nothing.
func copySQLite(from, to string, cred *syscall.Credential) error {
	for _, suffix := range sqliteSuffixes() {
		content, err := os.ReadFile(from + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = writeSecret(to+suffix, string(content), cred)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
