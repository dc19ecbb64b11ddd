package evidence

// The limits of a bundle. Write refuses what Open would refuse.
const (
	maxEnvelope    = 4 << 20   // bytes of one envelope
	maxTokens      = 1 << 17   // JSON tokens of one payload: about 7,000 verdicts
	maxPublicKey   = 1 << 10   // bytes of public-key.pem
	maxManifest    = 256 << 10 // bytes of manifest.yaml, as internal/manifest allows
	maxObservation = 32 << 20  // bytes of one observation: a judge holds one at a time in memory
	maxAttachment  = 512 << 20 // bytes of one attachment: only ever streamed
	maxBlobs       = 4096      // observations and attachments together
	maxTotal       = 2 << 30   // bytes of all observations and attachments
)
