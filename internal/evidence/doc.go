// Package evidence turns the outcome of a check into something that a stranger
// can verify offline: in-toto v1 statements in DSSE envelopes, signed with
// ed25519, in one content-addressed file, the bundle (*.roadworthy).
//
// The invariant: of a bundle that [Open] accepts, no byte can be changed
// without Open refusing it. The file is an ordinary tar, and it is provable by
// reading container.go and bundle.go from the top:
//
//   - the envelopes and the public key come first; each is written in one form
//     only, and is encoded again and compared;
//   - the payloads are what is signed, and the signature's key is named by the
//     digest of the embedded public key;
//   - the signed check lists manifest and blobs with digest and size, so that
//     from here on every header, its place and its content are known before
//     they are read: headers are computed and compared, never interpreted;
//   - padding and the end are zeros, and after the end there is nothing.
//
// What the invariant cannot give: without a trusted key anybody may have signed
// a bundle from scratch ([Bundle].SelfSigned), and a signature says who recorded
// the observations, not that they are honest. [Bundle.Recheck] closes the rest:
// it recomputes every verdict from its observations.
//
// Memory stays bounded whatever a file claims: blobs are streamed, and the sizes
// in limits.go hold for writing as for reading. The room judges nothing, asks
// for no time and opens no connection. Read next: write.go, then internal/probe.
package evidence
