package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// patience is how long one statement may take, connecting included.
const patience = 2 * time.Second

// migrations bring the schema from each version to the next. Both PostgreSQL
// and SQLite understand them. Never change one; add another.
var migrations = []string{
	`CREATE TABLE entries (id TEXT PRIMARY KEY, name TEXT NOT NULL, message TEXT NOT NULL, written BIGINT NOT NULL)`,
	`CREATE INDEX entries_written ON entries (written)`,
}

// Entry is what a guest wrote.
type Entry struct {
	Name, Message string
	Written       time.Time
}

// Store keeps the entries in a database.
type Store struct {
	db    *sql.DB
	fresh *sql.DB // keeps no connection: what it tells is the state of now
}

// OpenStore does not connect yet.
func OpenStore(address *url.URL) (*Store, error) {
	driver, source := "pgx", address.String()
	if address.Scheme == "sqlite" {
		driver, source = "sqlite", "file:"+address.Path+address.Opaque+"?_pragma=busy_timeout(2000)&_pragma=journal_mode(WAL)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, err
	}
	fresh, err := sql.Open(driver, source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	db.SetConnMaxIdleTime(time.Minute)
	fresh.SetMaxIdleConns(0)
	return &Store{db, fresh}, nil
}

// Migrate brings the schema up to date. It may be repeated, and if it breaks
// off it goes on from there the next time.
func (s *Store) Migrate(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY)`); err != nil {
		return err
	}
	var done int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM migrations`).Scan(&done); err != nil {
		return err
	}
	for version := done; version < len(migrations); version++ {
		if err := s.migrate(ctx, version); err != nil {
			return fmt.Errorf("migration %d: %w", version, err)
		}
	}
	return nil
}

func (s *Store) migrate(ctx context.Context, version int) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	// The row comes first: of two that run at once, the second fails here.
	if _, err := tx.ExecContext(ctx, `INSERT INTO migrations VALUES ($1)`, version); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
		return err
	}
	return tx.Commit()
}

// Add keeps an entry.
func (s *Store) Add(ctx context.Context, e Entry) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := s.db.ExecContext(ctx, `INSERT INTO entries VALUES ($1, $2, $3, $4)`, rand.Text(), e.Name, e.Message, e.Written.UnixMicro())
	return err
}

// Latest returns at most n entries, the newest first.
func (s *Store) Latest(ctx context.Context, n int) ([]Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, err := s.db.QueryContext(ctx, `SELECT name, message, written FROM entries ORDER BY written DESC LIMIT $1`, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Entry
	for rows.Next() {
		var e Entry
		var micro int64
		if err := rows.Scan(&e.Name, &e.Message, &micro); err != nil {
			return nil, err
		}
		e.Written = time.UnixMicro(micro).UTC()
		list = append(list, e)
	}
	return list, rows.Err()
}

// Count returns how many entries there are.
func (s *Store) Count(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM entries`).Scan(&n)
	return n, err
}

// Check finds out over a new connection whether the entries can be read.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var any bool
	return s.fresh.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM entries)`).Scan(&any)
}

// Close ends all connections.
func (s *Store) Close() {
	s.db.Close()
	s.fresh.Close()
}
