package scratch

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// migrations are what an application does to its fresh database: things that
// have an owner, refer to each other or count.
func migrations(kind Kind) []string {
	switch kind {
	case Postgres:
		return []string{
			`CREATE EXTENSION IF NOT EXISTS citext`,
			`CREATE SCHEMA app`,
			`CREATE TYPE app.mood AS ENUM ('good', 'bad')`,
			`CREATE TABLE app.author (id bigserial PRIMARY KEY, name citext UNIQUE, mood app.mood DEFAULT 'good')`,
			`CREATE TABLE book (id serial PRIMARY KEY, author bigint REFERENCES app.author (id), title text)`,
			`CREATE VIEW titles AS SELECT title, name FROM book JOIN app.author a ON a.id = book.author`,
			`CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.title = upper(NEW.title); RETURN NEW; END $$`,
			`CREATE TRIGGER shout BEFORE INSERT ON book FOR EACH ROW EXECUTE FUNCTION shout()`,
			`GRANT SELECT ON book TO PUBLIC`,
			`ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC`,
			`INSERT INTO app.author (name) VALUES ('Ada')`,
			`INSERT INTO book (author, title) VALUES (1, 'züge')`,
		}
	case MariaDB:
		return []string{
			"CREATE TABLE author (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) UNIQUE, raw BLOB)",
			"CREATE TABLE book (id INT AUTO_INCREMENT PRIMARY KEY, author BIGINT, title TEXT, FOREIGN KEY (author) REFERENCES author (id))",
			"CREATE VIEW titles AS SELECT title, name FROM book JOIN author ON author.id = book.author",
			"CREATE TRIGGER shout BEFORE INSERT ON book FOR EACH ROW SET NEW.title = UPPER(NEW.title)",
			"CREATE PROCEDURE count_books() BEGIN SELECT COUNT(*) FROM book; END",
			"INSERT INTO author (name, raw) VALUES ('Ada', X'000D0A1A27FF')",
			"INSERT INTO book (author, title) VALUES (1, 'züge')",
		}
	}
	return nil
}

// migrate runs the migrations with the application's own credentials.
func migrate(t testing.TB, d *Database) {
	t.Helper()
	for _, statement := range migrations(d.Kind) {
		mustExec(t, d, statement)
	}
	if d.Kind == Redis {
		if err := askRedis(t.Context(), d.Dial, d.Password, "SET greeting hello", "+OK"); err != nil {
			t.Fatal(err)
		}
	}
}

func mustExec(t testing.TB, d *Database, statement string) {
	t.Helper()
	if _, err := query(t, d, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// query runs one statement as the application and returns the values of all
// rows, separated by spaces.
func query(t testing.TB, d *Database, statement string) (string, error) {
	t.Helper()
	ctx := context30(t)
	if d.Kind == Postgres {
		return queryRows(ctx, d, statement)
	}
	handle, err := openMariaDB(d.User, d.Password, d.Name, d.Dial)
	if err != nil {
		return "", err
	}
	defer handle.Close()
	rows, err := handle.QueryContext(ctx, statement)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var words []string
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return "", err
		}
		for _, value := range values {
			words = append(words, value.String)
		}
	}
	return strings.Join(words, " "), rows.Err()
}

func queryRows(ctx context.Context, d *Database, statement string) (string, error) {
	conn, err := connectPostgres(ctx, d.User, d.Password, d.Name, d.Dial)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, statement, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return "", err
	}
	words, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.Trim(fmt.Sprint(values), "[]"), err
	})
	return strings.Join(words, " "), err
}

// step is a statement and what it answers.
type step struct{ say, want string }

// ownersWork is what only the owner of a copy can do, and see.
func ownersWork() map[Kind][]step {
	return map[Kind][]step{
		Postgres: {
			{"SELECT title, name FROM titles", "ZÜGE Ada"},
			{"INSERT INTO book (author, title) VALUES (1, 'two') RETURNING id, title", "2 TWO"},
			{"ALTER TABLE app.author ADD COLUMN born date", ""},
			{"ALTER TYPE app.mood ADD VALUE 'fine'", ""},
			{"CREATE OR REPLACE VIEW titles AS SELECT title, name, a.id FROM book JOIN app.author a ON a.id = book.author", ""},
			{"DROP FUNCTION shout() CASCADE", ""},
			{"DROP EXTENSION citext CASCADE", ""},
			{"DROP SCHEMA app CASCADE", ""},
			{"SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname NOT IN (current_user, 'scratch_admin')", "0"},
		},
		MariaDB: {
			{"SELECT title, name FROM titles", "ZÜGE Ada"},
			{"SELECT HEX(raw) FROM author", "000D0A1A27FF"},
			{"INSERT INTO book (author, title) VALUES (1, 'two') RETURNING id, title", "2 TWO"},
			{"CALL count_books()", "2"},
			{"SELECT @@character_set_database, @@collation_database", "latin1 latin1_german2_ci"},
			{"ALTER TABLE author ADD COLUMN born DATE", ""},
			{"DROP TRIGGER shout", ""},
			{"DROP VIEW titles", ""},
		},
	}
}

// TestCopyHoldsEverything provisions from a snapshot twice and works with the
// copies as their owner, after the original is gone.
func TestCopyHoldsEverything(t *testing.T) {
	for kind, steps := range ownersWork() {
		t.Run(string(kind), func(t *testing.T) {
			s := mustStart(t, kind, options(t))
			d := mustProvision(t, s)
			if kind == MariaDB {
				mustExec(t, d, "ALTER DATABASE "+d.Name+" CHARACTER SET latin1 COLLATE latin1_german2_ci")
			}
			migrate(t, d)
			template, err := s.Snapshot(context30(t), d)
			if err != nil {
				t.Fatal(err)
			}
			// The original still belongs to its application, and goes without trace.
			mustExec(t, d, "CREATE TABLE later (id int)")
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				copied, err := s.ProvisionFrom(context30(t), template)
				if err != nil {
					t.Fatal(err)
				}
				for _, step := range steps {
					if got, err := query(t, copied, step.say); err != nil || got != step.want {
						t.Errorf("%s: got %q %v, want %q", step.say, got, err, step.want)
					}
				}
				if _, err := query(t, copied, "SELECT * FROM later"); err == nil {
					t.Error("the copy holds what came after the snapshot")
				}
				if err := copied.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestBusyDatabase takes a snapshot of, and closes, a database that a pool
// holds open in a transaction.
func TestBusyDatabase(t *testing.T) {
	for _, kind := range []Kind{Postgres, MariaDB} {
		t.Run(string(kind), func(t *testing.T) {
			s := mustStart(t, kind, options(t))
			d := mustProvision(t, s)
			migrate(t, d)
			ctx := context30(t)
			switch kind {
			case Postgres:
				conn, err := connectPostgres(ctx, d.User, d.Password, d.Name, d.Dial)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close(ctx)
				if _, err := conn.Exec(ctx, "BEGIN; UPDATE book SET title = 'open'"); err != nil {
					t.Fatal(err)
				}
			case MariaDB:
				handle, err := openMariaDB(d.User, d.Password, d.Name, d.Dial)
				if err != nil {
					t.Fatal(err)
				}
				defer handle.Close()
				tx, err := handle.BeginTx(ctx, nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tx.ExecContext(ctx, "UPDATE book SET title = 'open'"); err != nil {
					t.Fatal(err)
				}
				defer tx.Rollback()
			}
			template, err := s.Snapshot(ctx, d)
			if err != nil {
				t.Fatal(err)
			}
			copied, err := s.ProvisionFrom(ctx, template)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := query(t, copied, "SELECT title FROM book"); err != nil || got != "ZÜGE" {
				t.Errorf("the copy holds %q %v, not what was committed", got, err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRedisCopy(t *testing.T) {
	s := mustStart(t, Redis, options(t))
	d := mustProvision(t, s)
	migrate(t, d)
	template, err := s.Snapshot(context30(t), d)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := s.ProvisionFrom(context30(t), template)
	if err != nil {
		t.Fatal(err)
	}
	if err := askRedis(t.Context(), d.Dial, d.Password, "FLUSHALL", "+OK"); err != nil {
		t.Fatal(err)
	}
	for database, want := range map[*Database]string{d: ":0", copied: ":1", mustProvision(t, s): ":0"} {
		if err := askRedis(t.Context(), database.Dial, database.Password, "EXISTS greeting", want); err != nil {
			t.Error(err)
		}
	}
}

// TestAdminConnectsAgain after its one connection was lost.
func TestAdminConnectsAgain(t *testing.T) {
	s := mustStart(t, Postgres, options(t))
	if err := s.(*postgresServer).admin.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := CheckQuery(context30(t), mustProvision(t, s), nil); err != nil {
		t.Error(err)
	}
}
