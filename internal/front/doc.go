// Package front is the production front: it listens, gives each request an id,
// finds a worker for it, relays it there and its reply back, and says in one
// code what went wrong when something did.
//
// A request's way is [Front.ServeHTTP]: our own routes first (status, metrics,
// live, ready: an application cannot shadow them), then an exchange: body at
// hand or streamed, a lease on a worker from internal/front/pool, a connection
// of internal/front/upstream, the head, the body piece by piece. Bodies of
// replies are never buffered; small bodies of requests are read before a worker
// is bothered, so that a slow client holds no worker.
//
// The invariant: what a worker is sent is exactly one request, written anew
// from what net/http parsed, and it is sent twice only when the first time
// cannot have had an effect or the client said that repeating is safe. An
// exchange ends with a whole reply, a reply with a code of ours (see codes.go),
// or a connection cut so that no client takes half a reply for a whole one.
//
// The package starts no worker and reads no configuration; it never logs a
// query, a cookie or an authorization. Read next: options.go, codes.go,
// exchange.go, relay.go; for upgrades tunnel.go, for idle connections rest.go.
package front
