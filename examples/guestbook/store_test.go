package main

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newStore returns a store on a new SQLite file, without a schema.
func newStore(t *testing.T) *Store {
	address, err := url.Parse("sqlite:" + filepath.Join(t.TempDir(), "guests.db"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := OpenStore(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

func migrated(t *testing.T) *Store {
	store := newStore(t)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStoreKeepsEntries(t *testing.T) {
	store, ctx := migrated(t), t.Context()
	for i, name := range []string{"Ada", "Bob", "Cy"} {
		if err := store.Add(ctx, Entry{name, "Hello from " + name, time.Unix(int64(100+i), 5000)}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := store.Latest(ctx, 2)
	if got := fmt.Sprint(list, err); got != "[{Cy Hello from Cy 1970-01-01 00:01:42.000005 +0000 UTC} {Bob Hello from Bob 1970-01-01 00:01:41.000005 +0000 UTC}] <nil>" {
		t.Errorf("got %s", got)
	}
	if n, err := store.Count(ctx); n != 3 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestMigrateMayBeRepeated(t *testing.T) {
	store, ctx := migrated(t), t.Context()
	if err := store.Add(ctx, Entry{"Ada", "Hello", time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil {
		t.Error(err)
	}
	if n, err := store.Count(ctx); n != 1 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
	var versions int
	if err := store.db.QueryRow(`SELECT count(*) FROM migrations`).Scan(&versions); err != nil || versions != len(migrations) {
		t.Errorf("%d versions, %v", versions, err)
	}
}

func TestMigrateUndoesABrokenStep(t *testing.T) {
	store, ctx := newStore(t), t.Context()
	if _, err := store.db.Exec(`CREATE TABLE entries_written (x INT)`); err != nil { // takes the name of the index
		t.Fatal(err)
	}
	if err := store.Migrate(ctx); err == nil || !strings.HasPrefix(err.Error(), "migration 1: ") {
		t.Fatalf("got %v", err)
	}
	if _, err := store.db.Exec(`DROP TABLE entries_written`); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil {
		t.Error(err)
	}
}

func TestCheckSeesWhatIsMissing(t *testing.T) {
	store := newStore(t)
	if err := store.Check(t.Context()); err == nil {
		t.Error("it is well without a schema")
	}
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(t.Context()); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.Check(ended); err == nil {
		t.Error("it goes on when nobody waits")
	}
}
