package scratch

import (
	"context"
	"testing"
)

// TestManyPoolsShareOneServer holds as many connections as a few boots of an
// application whose processes keep a pool each, all at the same time.
func TestManyPoolsShareOneServer(t *testing.T) {
	const many = 250
	for _, kind := range []Kind{Postgres, MariaDB} {
		t.Run(string(kind), func(t *testing.T) {
			s := mustStart(t, kind, options(t))
			d, ctx := mustProvision(t, s), context30(t)
			for n := range many {
				if err := hold(ctx, t, d); err != nil {
					t.Fatalf("connection %d: %v", n+1, err)
				}
			}
			if err := CheckQuery(ctx, d, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// hold opens a connection that stays until the test ends.
func hold(ctx context.Context, t *testing.T, d *Database) error {
	t.Helper()
	if d.Kind == Postgres {
		conn, err := connectPostgres(ctx, d.User, d.Password, d.Name, d.Dial)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server may have ended first
		}
		return err
	}
	pool, err := openMariaDB(d.User, d.Password, d.Name, d.Dial)
	if err != nil {
		return err
	}
	t.Cleanup(func() { _ = pool.Close() }) // as above
	return pool.PingContext(ctx)
}
