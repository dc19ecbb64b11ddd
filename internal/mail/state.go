package mail

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// stateVersion is the version of the file. A file of another version is put
// aside: counts that are read wrongly are worse than counts that begin anew.
const stateVersion = 1

const maxState = 64 << 20 // bytes that are read

// state is the file.
type state struct {
	Version  int         `json:"version"`
	Bucket   bucket      `json:"bucket"`
	Digest   digestState `json:"digest"`
	Totals   totals      `json:"totals"`
	Audience string      `json:"audience,omitempty"` // who the mails went to
	Closed   time.Time   `json:"closed,omitzero"`    // when the last closing digest was sent
	Groups   []*group    `json:"groups"`
}

// snapshot copies the ledger, so that it can be written without its lock.
func (l *ledger) snapshot() state {
	s := state{Version: stateVersion, Bucket: l.bucket, Digest: l.digest, Totals: l.total, Closed: l.closed}
	for _, g := range l.groups {
		copied := *g
		copied.Releases = append([]string(nil), g.Releases...)
		s.Groups = append(s.Groups, &copied)
	}
	return s
}

// restore fills an empty ledger. What was in flight when the state was written
// is pending, since nobody knows whether it arrived.
func (l *ledger) restore(s state, now time.Time) {
	l.bucket, l.digest, l.total, l.closed = s.Bucket, s.Digest, s.Totals, s.Closed
	if l.bucket.At.After(now) { // the clock has been set back
		l.bucket.At = now
	}
	l.bucket.Tokens = min(l.bucket.Tokens, l.rules.burst)
	horizon := now.Add(windowAfter(1 << 20))
	if l.digest.Next.After(horizon) {
		l.digest.Next = horizon
	}
	for _, g := range s.Groups {
		if g.Next.After(horizon) {
			g.Next = horizon
		}
		l.groups[g.Fingerprint] = g
	}
}

// readState returns the state of a file; not ok where there is none. What
// cannot be read is renamed, so that a person can look at it, and the name is
// returned.
func readState(path string, now time.Time) (s state, aside string, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{Version: 0}, "", nil
	}
	if err != nil {
		return s, "", fmt.Errorf("open the state of error mails: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.Size() > maxState {
		err = errors.New("it is too large")
	}
	if err == nil {
		err = json.NewDecoder(f).Decode(&s)
	}
	if err == nil {
		err = s.check()
	}
	if err == nil {
		return s, "", nil
	}
	aside = fmt.Sprintf("%s.broken-%d", path, now.Unix())
	if moved := os.Rename(path, aside); moved != nil {
		return state{}, "", fmt.Errorf("put a broken state of error mails aside: %w", errors.Join(moved, err))
	}
	return state{}, aside, nil
}

// check proves what the rules rely on.
func (s state) check() error {
	if s.Version != stateVersion {
		return fmt.Errorf("it has version %d, want %d", s.Version, stateVersion)
	}
	seen := map[string]bool{}
	for _, g := range s.Groups {
		if g == nil || g.Fingerprint == "" || seen[g.Fingerprint] || g.Told > g.Total || g.Step < 0 {
			return errors.New("it contradicts itself")
		}
		seen[g.Fingerprint] = true
	}
	if s.Totals.Told > s.Totals.Reported {
		return errors.New("it contradicts itself")
	}
	return nil
}

// writeState replaces the file in one step; a reader or a crash sees the old
// or the new one, whole.
func writeState(path string, s state) (err error) {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode the state of error mails: %w", err)
	}
	// Always the same name, so that who is killed here again and again leaves one file.
	fresh, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the state of error mails: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(fresh.Name())
			err = fmt.Errorf("write the state of error mails: %w", err)
		}
	}()
	_, err = fresh.Write(data)
	if err == nil {
		err = fresh.Sync()
	}
	if err = errors.Join(err, fresh.Close()); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), path)
}
