package scratch

import (
	"errors"
	"testing"
)

func TestInstalledAgreesWithStart(t *testing.T) {
	for _, kind := range []Kind{Postgres, MariaDB, Redis} {
		_, err := Start(t.Context(), kind, Options{Dir: "/nonexistent"}) // never gets beyond its folder
		if missing := errors.Is(err, ErrMissing); missing != errors.Is(Installed(kind), ErrMissing) {
			t.Errorf("%s: Start says %v, Installed %v", kind, err, Installed(kind))
		}
	}
	for _, kind := range []Kind{SQLite, HTTP} {
		if err := Installed(kind); err != nil {
			t.Errorf("%s needs no program: %v", kind, err)
		}
	}
}
