package check

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/evidence"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/report"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// report puts together what every format prints.
func (c *Checker) report(probes []probe.Probe, claims []standard.Claim, verdicts []standard.Verdict, took map[string]time.Duration) report.Run {
	ids := make([]string, len(probes))
	for i, p := range probes {
		ids[i] = p.Requirement
		c.took.Probes = append(c.took.Probes, report.Timing{Name: p.Requirement, Took: report.Seconds(took[p.Requirement])})
	}
	c.took.Tests = report.Seconds(took["test.coverage"])
	c.took.Sandbox = report.Seconds(median(c.bench.StartTimes()) * float64(time.Second))
	c.took.Check = report.Seconds(c.now().Sub(c.started))
	mode := report.Full
	switch {
	case len(c.options.Only) > 0:
		mode = report.Only
	case c.options.Quick:
		mode = report.Quick
	}
	return report.Run{
		Application: report.Application{
			Name: c.manifest.Name, Digest: c.image.Digest, Commit: c.revision.Commit, Dirty: c.revision.Dirty, Manifest: c.manifest.Path,
		},
		Tool: c.options.Tool, Started: c.started, Mode: mode, Repeats: 1, Took: c.took, Host: c.host(),
		Requirements: report.Arrange(ids, claims, verdicts, took),
	}
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func (c *Checker) host() report.Host {
	host := report.Host{System: runtime.GOOS + "/" + runtime.GOARCH, Kernel: kernel(), Processors: runtime.NumCPU()}
	if c.forbids != nil {
		host.Restrictions = append(host.Restrictions, report.Restriction{
			Refused: c.forbids.Error(), Allow: bench.Allow(),
		})
	}
	return host
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(release))
}

// seal writes the bundle: the signed statement and every record.
func (c *Checker) seal(run *report.Run, records map[string][]byte, verdicts []standard.Verdict) error {
	if c.options.KeyDir == "" || c.options.Bundle == "" {
		return nil
	}
	key, err := evidence.OpenKey(c.options.KeyDir)
	if err != nil {
		return err
	}
	digest, err := evidence.ParseDigest(c.image.Digest)
	if err != nil {
		return err
	}
	content := evidence.Content{
		Subject: evidence.Subject{Name: c.manifest.Name, Digest: digest},
		Run: evidence.Run{
			Tool: evidence.Tool{Name: "roadworthy", Version: c.options.Tool}, Started: c.started.UTC(), Ended: c.now().UTC(),
			Application: evidence.Application{Name: c.manifest.Name, Commit: c.revision.Commit, Dirty: c.revision.Dirty},
			Environment: evidence.Bench, Seed: c.options.Seed, Definitions: definitions(),
			Host: map[string]string{"system": runtime.GOOS + "/" + runtime.GOARCH, "kernel": kernel(), "processors": strconv.Itoa(runtime.NumCPU())},
		},
		Manifest: c.source, Verdicts: verdicts,
	}
	for id, record := range records {
		content.Observations = append(content.Observations, evidence.Observation{Probe: id, Data: record})
	}
	if err := writeBundle(c.options.Bundle, key, content); err != nil {
		return err
	}
	run.Bundle = c.options.Bundle
	return nil
}

// writeBundle replaces the file only when the whole bundle is written.
func writeBundle(path string, key evidence.Key, content evidence.Content) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // evidence is for all to read
		return fmt.Errorf("make the folder of the bundle: %w", err)
	}
	file, err := os.CreateTemp(folder, ".bundle-")
	if err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	defer os.Remove(file.Name()) // gone already if all went well
	if err := evidence.Write(file, key, content); err != nil {
		file.Close()
		return fmt.Errorf("write the bundle: %w", err)
	}
	// After a power cut there is the whole bundle or the one from before.
	if err := errors.Join(file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	return nil
}

// definitions is the digest of every def.yaml, so that a pass rule that was
// changed later is noticed.
func definitions() evidence.Digest {
	files := map[string][]byte{}
	for _, p := range Probes {
		files[p.Requirement+"/def.yaml"] = p.Source
	}
	return evidence.DefinitionsDigest(files)
}

// Verify opens a bundle, checks every byte and signature, and recomputes every
// verdict from the records in it. It needs nothing but the file.
func Verify(path string, trusted []evidence.PublicKey) (*evidence.Bundle, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &problem.Problem{
			Code: "RW-U01", Summary: "the bundle cannot be opened", At: path, Got: err.Error(), Fix: "roadworthy check   (writes one)", Cause: err,
		}
	}
	defer file.Close()
	bundle, err := evidence.Open(file, trusted)
	if err != nil {
		return nil, err
	}
	if bundle.Check.Definitions != definitions() {
		return nil, &problem.Problem{
			Code: "RW-E05", Summary: "the bundle was judged by other pass rules than this program's", At: path,
			Got: string(bundle.Check.Definitions) + " by roadworthy " + bundle.Check.Tool.Version, Want: string(definitions()),
			Fix: "verify it with the version that wrote it, or run the check again",
		}
	}
	return bundle, bundle.Recheck(func(id string, record []byte) ([]standard.Verdict, error) {
		for _, p := range Probes {
			if p.Requirement == id {
				return p.Judge(record)
			}
		}
		return nil, fmt.Errorf("no probe is called %q", id)
	})
}
