package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
	"unicode"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// CheckType is the predicate type of a [Check].
const CheckType = "https://roadworthy.dev/check/v1"

// Bench names the environment of a check that booted the artifact in a sandbox.
const Bench = "bench"

// Subject is the artifact that a statement speaks of.
type Subject struct {
	Name   string // such as "guestbook"
	Digest Digest // of the artifact
}

// Run is what is known of a check beside what it saw.
type Run struct {
	Tool        Tool              `json:"tool"`
	Started     time.Time         `json:"started"` // UTC, RFC 3339
	Ended       time.Time         `json:"ended"`   // UTC, RFC 3339; not before Started
	Application Application       `json:"application"`
	Environment string            `json:"environment"`    // Bench
	Host        map[string]string `json:"host,omitempty"` // facts of the machine: kernel, processors …
	Seed        uint64            `json:"seed,string"`    // a text, since JSON numbers end at 2^53
	Definitions Digest            `json:"definitions"`    // of the claims' definitions, see DefinitionsDigest
}

// Tool is the program that ran the check.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Application is what the artifact was built from.
type Application struct {
	Name   string `json:"name"`
	Commit string `json:"commit"` // in full; "" if there is none
	Dirty  bool   `json:"dirty"`  // the working tree held changes that the commit does not
}

// Blob is one recorded file of a bundle.
type Blob struct {
	Digest    Digest `json:"sha256"`
	Size      int64  `json:"size"` // bytes
	MediaType string `json:"media_type"`
}

// ObservationRef says which blob a probe's observation is.
type ObservationRef struct {
	Probe string `json:"probe"`
	Blob
}

// AttachmentRef says which blob an attachment is.
type AttachmentRef struct {
	Name string `json:"name"`
	Blob
}

// Check is the predicate of [CheckType]: what one check recorded, and the
// verdicts that follow from it. Each list is sorted by its first field, which
// is unique in it.
type Check struct {
	Run
	Manifest     Blob               `json:"manifest"` // the application's, as it was checked
	Verdicts     []standard.Verdict `json:"verdicts"`
	Observations []ObservationRef   `json:"observations"`
	Attachments  []AttachmentRef    `json:"attachments,omitempty"`
}

// NotAsked lists the requirements of the standard on which the check has no
// verdict, in their order. It follows from the verdicts, so that nobody who
// leaves one out can say that all were asked.
func (c Check) NotAsked() []string {
	asked := standard.Overall(c.Verdicts)
	var list []string
	for _, r := range standard.Requirements {
		if _, ok := asked[r.ID]; !ok {
			list = append(list, r.ID)
		}
	}
	return list
}

// blobs returns every observation and attachment, in the order of the lists.
func (c Check) blobs() []Blob {
	var all []Blob
	for _, o := range c.Observations {
		all = append(all, o.Blob)
	}
	for _, a := range c.Attachments {
		all = append(all, a.Blob)
	}
	return all
}

// validate holds for whatever Write makes and for whatever Open returns.
func (c Check) validate() error {
	checks := []func() error{c.Run.validate, c.validateManifest, c.validateVerdicts, c.validateNames, c.validateBlobs}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (r Run) validate() error {
	switch {
	case r.Tool.Name == "" || r.Tool.Version == "":
		return errors.New("tool without name or version")
	case r.Application.Name == "":
		return errors.New("application without name")
	case r.Environment == "":
		return errors.New("check without environment")
	case r.Started.IsZero() || r.Ended.Before(r.Started):
		return errors.New("check that ended before it started")
	case !isUTC(r.Started) || !isUTC(r.Ended):
		return errors.New("check whose times are not UTC")
	case !r.Definitions.valid():
		return fmt.Errorf("definitions digest %q is not SHA-256", r.Definitions)
	}
	return nil
}

func isUTC(t time.Time) bool {
	_, offset := t.Zone()
	return offset == 0
}

func (c Check) validateManifest() error {
	if !c.Manifest.Digest.valid() || c.Manifest.Size < 0 || c.Manifest.Size > maxManifest {
		return fmt.Errorf("manifest of %d bytes: want a digest and at most %d", c.Manifest.Size, maxManifest)
	}
	return nil
}

func (c Check) validateVerdicts() error {
	last := ""
	for _, v := range c.Verdicts {
		if !v.Outcome.Valid() {
			return fmt.Errorf("verdict on %q has the outcome %q", v.Claim, v.Outcome)
		}
		if v.Claim <= last || !isID(v.Claim) {
			return fmt.Errorf("verdict on %q is there twice, misnamed or out of order", v.Claim)
		}
		last = v.Claim
	}
	return nil
}

func (c Check) validateNames() error {
	last := ""
	for _, o := range c.Observations {
		if o.Probe <= last || !isID(o.Probe) {
			return fmt.Errorf("observation of %q is there twice, misnamed or out of order", o.Probe)
		}
		if o.MediaType != mediaTypeJSON || o.Size > maxObservation {
			return fmt.Errorf("observation of %q: want %s of at most %d bytes", o.Probe, mediaTypeJSON, maxObservation)
		}
		last = o.Probe
	}
	last = ""
	for _, a := range c.Attachments {
		if a.Name <= last {
			return fmt.Errorf("attachment %q is there twice, unnamed or out of order", a.Name)
		}
		if a.Name == "." || !fs.ValidPath(a.Name) || strings.ContainsFunc(a.Name, unsafeInNames) {
			return fmt.Errorf("attachment %q is not a plain relative path", a.Name)
		}
		if a.Size > maxAttachment {
			return fmt.Errorf("attachment %q has more than %d bytes", a.Name, maxAttachment)
		}
		last = a.Name
	}
	return nil
}

func (c Check) validateBlobs() error {
	all := c.blobs()
	if len(all) > maxBlobs {
		return fmt.Errorf("%d blobs, more than %d", len(all), maxBlobs)
	}
	sizes := map[Digest]int64{}
	total := int64(0)
	for _, blob := range all {
		if !blob.Digest.valid() || blob.Size < 0 {
			return fmt.Errorf("blob %q of %d bytes has no digest or no size", blob.Digest, blob.Size)
		}
		if size, known := sizes[blob.Digest]; known && size != blob.Size {
			return fmt.Errorf("blob %s has two sizes", blob.Digest)
		}
		sizes[blob.Digest] = blob.Size
		total += blob.Size // at most maxBlobs times maxAttachment: no overflow
	}
	if total > maxTotal {
		return fmt.Errorf("%d bytes of blobs, more than %d", total, int64(maxTotal))
	}
	return nil
}

// isID reports whether text can be the id of a claim or a probe. People see
// ids of bundles that strangers wrote, so nothing in them acts on a terminal.
func isID(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune(".-_/", r)
	})
}

func unsafeInNames(r rune) bool { return !unicode.IsPrint(r) || r == '\\' || r == ':' }
