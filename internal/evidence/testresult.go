package evidence

import (
	"fmt"

	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// TestResultType is the predicate type of in-toto's test-result v0.1, which
// tells other tools in short what a [Check] tells in full.
const TestResultType = "https://in-toto.io/attestation/test-result/v0.1"

// The results of test-result v0.1.
const (
	resultPassed = "PASSED"
	resultWarned = "WARNED"
	resultFailed = "FAILED"
)

// newTestResult gives what follows from a check for test-result v0.1; its
// tests are the claims. The predicate reads WARNED as "passed with warnings",
// so only a claim that does not apply is warned of. One that is unknown or in
// error failed: nothing else keeps a reader from taking it for passed. For the
// same reason a requirement that was not asked failed, under its own id.
func newTestResult(subject Subject, check Check) (*intoto.Statement, error) {
	notAsked := check.NotAsked()
	mode := "full"
	if len(notAsked) > 0 {
		mode = "partial"
	}
	annotations, err := structpb.NewStruct(map[string]any{"mode": mode})
	if err != nil {
		return nil, fmt.Errorf("encode test result: %w", err)
	}
	result := &testresult.TestResult{
		Result: resultPassed,
		Configuration: []*intoto.ResourceDescriptor{
			{Name: manifestName, Digest: map[string]string{"sha256": string(check.Manifest.Digest)}},
			{Name: "definitions", Digest: map[string]string{"sha256": string(check.Definitions)}, Annotations: annotations},
		},
		FailedTests: notAsked,
	}
	for _, v := range check.Verdicts {
		switch v.Outcome {
		case standard.Pass:
			result.PassedTests = append(result.PassedTests, v.Claim)
		case standard.NotApplicable:
			result.WarnedTests = append(result.WarnedTests, v.Claim)
		default:
			result.FailedTests = append(result.FailedTests, v.Claim)
		}
	}
	if len(result.WarnedTests) > 0 {
		result.Result = resultWarned
	}
	if len(result.FailedTests) > 0 {
		result.Result = resultFailed
	}
	predicate, err := protojson.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("encode test result: %w", err)
	}
	return newStatement(subject, TestResultType, predicate)
}
