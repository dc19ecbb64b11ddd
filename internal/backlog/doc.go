// Package backlog ends a listening socket without losing those who wait at it.
//
// The kernel completes connections before a program accepts them, and holds
// them, often with their first request: the backlog, see listen(2). A close of
// the socket resets them all, so that under load each end of a program shows
// some clients an error. [Drain] accepts them before the close, and a listener
// that [Serve] returns does so by itself.
//
// The invariant: nothing here waits for a client, and no connection is handed
// out whose client has reset it. The package must not be used for a socket that
// other processes accept from, now or later: there nobody is lost, and whoever
// drains would take from them what they have more time for.
//
// What comes between the last accept and the close is lost still; no call of
// the kernel does both. Read next: backlog.go.
package backlog
