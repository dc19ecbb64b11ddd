// Package mail tells people about errors without drowning them.
//
// A [Notifier] is given every error, counts it under its fingerprint, and
// mails by rules (ledger.go): the first sight of a kind at once; repeats when
// ever wider windows end (a minute, ten minutes, an hour, six hours); all mails
// together within one bucket of so many per hour, and what does not fit into
// it as one digest that lists every kind. A kind that was fixed, or quiet for
// long, and is back in a new release is told at once as such.
//
// The invariant: no count is lost. Of every kind, the counts told in delivered
// mails and the count that is pending make up the number of errors reported.
// There is no queue that could run over: an error that cannot be mailed now
// stays pending, and the next mail about its kind tells it. Where a mail may
// or may not have arrived (a server that falls silent after the text, a
// machine that dies before the answer is on disk), its errors stay pending:
// they may be told twice, and never not at all.
//
// Reporting never waits for a network or a disk. One goroutine sends, one
// connection per mail. The state is on disk, so that a program that crashes
// and starts again does not mail again; kill -9 loses what was reported since
// the last save, a second ago at most where the disk is not slow.
//
// What is stored and mailed is scrubbed of secrets first (scrub.go). The room
// must know nothing of workers, logs or requests beyond the words in an
// [Event]. Read next: notifier.go, then ledger.go.
package mail
