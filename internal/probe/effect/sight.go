// Package effect sees from outside which value of each setting an application
// goes by: where it listens, how much it logs, whom it mails, which services
// it reaches with which credentials, which token opens the status route.
//
// [Look] takes a process that serves and gives one [Sight] for each setting,
// plain data for the record. Two values are told apart: the one that the
// setting should show, and another one that it must not show: that of another
// boot, or the one that a losing source holds. Effects that are no text, the
// level of the log and the number of workers, are measured, and two boots are
// compared ([Sight.More]).
//
// The invariant: a sight is positive only for what was seen to happen; a
// setting that nothing can be seen of says why, and how to declare more. The
// room judges no claim, and no secret value is in its data.
//
// values.go says which value shows how, observer.go walks through the
// stimuli. Read next: internal/probe/configenv, which uses all of it.
package effect

// Sight is what was seen of one setting in one boot.
type Sight struct {
	Setting string   `json:"setting"`
	Effect  string   `json:"effect"`            // manifest.Effect
	Value   string   `json:"value"`             // that should show; in words where it is secret
	Opaque  string   `json:"opaque,omitempty"`  // why nothing can be seen of it, and how to declare more
	Shown   bool     `json:"shown"`             // the value showed, whole
	Other   bool     `json:"other"`             // the other value showed, or a part of it
	How     string   `json:"how,omitempty"`     // what was seen, in a clause
	Level   *Level   `json:"level,omitempty"`   // of a setting that is measured
	Workers *Workers `json:"workers,omitempty"` // of a setting that is measured
}

// Level is how much was logged under a threshold.
type Level struct {
	Rank     int `json:"rank"`     // of the threshold: 0 ERROR, 1 WARNING, 2 INFO, 3 DEBUG
	Sessions int `json:"sessions"` // that were run meanwhile
	Lines    int `json:"lines"`    // that came on standard output and error
	Frames   int `json:"frames"`   // that came by syslog
}

// Workers is what a number of workers led to.
type Workers struct {
	Number    int `json:"number"`    // that was given
	Processes int `json:"processes"` // of the application
	Slow      int `json:"slow"`      // requests that were sent at once, each of which holds a worker; 0 where none is declared
	Busy      int `json:"busy"`      // processes that held a connection of these at one time, at most
	Parallel  int `json:"parallel"`  // of them, answered until half of the time that one takes alone had passed after the first
}

// Measured reports whether the setting shows only in the comparison of boots.
func (s Sight) Measured() bool { return s.Level != nil || s.Workers != nil }

// Only reports whether the value showed and the other one did not.
func (s Sight) Only() bool { return s.Shown && !s.Other }

// More reports whether the application did measurably more than in another
// boot: it logged at least one more line for each session, or more workers
// were at work.
func (s Sight) More(than Sight) bool {
	switch {
	case s.Level != nil && than.Level != nil:
		return s.Level.more(*than.Level)
	case s.Workers != nil && than.Workers != nil:
		return s.Workers.more(*than.Workers)
	}
	return false
}

// Silent reports whether ordinary sessions led to hardly a line.
func (l Level) Silent() bool { return l.Lines < l.Sessions }

// more compares lines, and frames where an application logs to syslog alone.
func (l Level) more(than Level) bool {
	if l.Silent() && than.Silent() {
		return l.Frames-than.Frames >= l.Sessions
	}
	return l.Sessions > 0 && l.Lines-than.Lines >= l.Sessions
}

// more compares what ran at once. Where the slow request holds no worker, so
// that even the few answer all of them, or none is declared, processes are
// counted.
func (w Workers) more(than Workers) bool {
	if w.Slow > 0 && than.Slow > 0 {
		if w.Busy > than.Busy || w.Parallel > than.Parallel {
			return true
		}
		if than.Parallel < than.Slow {
			return false
		}
	}
	return w.Number > than.Number && w.Processes-than.Processes >= w.Number-than.Number
}
