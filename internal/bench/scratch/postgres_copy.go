package scratch

import (
	"context"
	"errors"
	"fmt"
)

// Provision implements [Server]: a new role that owns a new database and may
// do nothing else.
func (s *postgresServer) Provision(ctx context.Context) (*Database, error) {
	return s.provision(ctx, adminDatabase, "")
}

// ProvisionFrom implements [Server]. What the content's owner owned, the new
// role owns. Settings that were given to the old role or database by ALTER
// ROLE or ALTER DATABASE … SET are not part of the content.
func (s *postgresServer) ProvisionFrom(ctx context.Context, t *Template) (*Database, error) {
	if err := t.own(s); err != nil {
		return nil, fmt.Errorf("provision postgres: %w", err)
	}
	return s.provision(ctx, t.name, t.user)
}

func (s *postgresServer) provision(ctx context.Context, template, owner string) (*Database, error) {
	d := &Database{
		Kind: Postgres, User: randomName("u"), Password: randomPassword(), Name: randomName("d"),
		server: s, socket: s.socket,
	}
	d.release = func() error { return s.drop(d) }
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.exec(ctx,
		"CREATE ROLE "+d.User+" LOGIN PASSWORD '"+d.Password+"'",
		"CREATE DATABASE "+d.Name+" OWNER "+d.User+" TEMPLATE "+template+s.strategy(),
		// The default lets every role connect to every database.
		"REVOKE CONNECT, TEMPORARY ON DATABASE "+d.Name+" FROM PUBLIC")
	if err == nil && owner != "" {
		err = s.execIn(ctx, d.Name, "REASSIGN OWNED BY "+owner+" TO "+d.User)
	}
	if err != nil {
		return nil, fmt.Errorf("provision postgres: %w", err)
	}
	return d, nil
}

// strategy copies files instead of logging each block, which is faster
// without fsync; before PostgreSQL 15 there was nothing else.
func (s *postgresServer) strategy() string {
	if s.major < 15 {
		return ""
	}
	return " STRATEGY file_copy"
}

// terminate ends the sessions of a database. Since PostgreSQL 14 it waits for
// their end; before, the statement that follows waits, in steps of 100 ms.
func (s *postgresServer) terminate(database string) string {
	call := "pg_terminate_backend(pid, 3000)"
	if s.major < 14 {
		call = "pg_terminate_backend(pid)"
	}
	return "SELECT " + call + " FROM pg_stat_activity WHERE datname = '" + database + "'"
}

// Snapshot implements [Server]: a copy of the database that belongs to a role
// of its own, which cannot log in. Nobody may be connected to a database that
// is copied, so its sessions end and new ones are refused meanwhile.
func (s *postgresServer) Snapshot(ctx context.Context, d *Database) (*Template, error) {
	if err := d.belongs(s); err != nil {
		return nil, fmt.Errorf("snapshot postgres: %w", err)
	}
	t := &Template{server: s, name: randomName("t"), user: randomName("o")}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.exec(ctx,
		"CREATE ROLE "+t.user+" NOLOGIN",
		"ALTER DATABASE "+d.Name+" ALLOW_CONNECTIONS false",
		s.terminate(d.Name),
		"CREATE DATABASE "+t.name+" TEMPLATE "+d.Name+s.strategy())
	allow, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
	defer cancel()
	err = errors.Join(err, s.exec(allow, "ALTER DATABASE "+d.Name+" ALLOW_CONNECTIONS true"))
	if err == nil {
		// REASSIGN OWNED takes the role's databases along, from wherever it is
		// said; the second statement gives back the one that it has.
		err = s.execIn(ctx, t.name,
			"BEGIN; REASSIGN OWNED BY "+d.User+" TO "+t.user+"; ALTER DATABASE "+d.Name+" OWNER TO "+d.User+"; COMMIT")
	}
	if err == nil {
		// What was granted to the role by name would keep it from being dropped.
		err = s.execIn(ctx, t.name, "DROP OWNED BY "+d.User)
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot postgres: %w", err)
	}
	return t, nil
}

// execIn runs one text of statements as the admin in another database. The
// caller holds mu.
func (s *postgresServer) execIn(ctx context.Context, database, statements string) error {
	conn, err := s.connect(ctx, database)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", database, err)
	}
	_, err = conn.PgConn().Exec(ctx, statements).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}

// drop ends a database and its role.
func (s *postgresServer) drop(d *Database) error {
	ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.exec(ctx,
		"ALTER DATABASE "+d.Name+" ALLOW_CONNECTIONS false",
		s.terminate(d.Name),
		"DROP DATABASE "+d.Name,
		"DROP OWNED BY "+d.User,
		"DROP ROLE "+d.User)
	if err != nil {
		return fmt.Errorf("drop postgres database: %w", err)
	}
	return nil
}
