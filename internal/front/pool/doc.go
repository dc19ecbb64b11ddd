// Package pool keeps the workers that requests may go to and decides which
// worker serves the next one.
//
// [Pool.Acquire] hands out a [Lease] on the worker with the fewest requests in
// flight, in turn on a tie. A worker takes at most its limit; when all are full
// or none is there, requests wait in one bounded queue, first come first
// served. A worker whose connect failed is passed over for a moment, so that a
// dead one, which has nothing in flight, does not attract every request.
//
// The invariant: a worker that [Pool.Drain] took out of rotation never gets
// another lease, and Drain returns nil only when it holds none. Streams that
// would not end by themselves (tunnels, event streams) register how they are
// ended with [Lease.EndWith]; Drain ends them spread over time.
//
// The package sends no byte and knows nothing of HTTP; connections are those of
// internal/front/upstream. Read next: pool.go, then acquire.go, then drain.go.
package pool
