package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// newStatement makes an in-toto v1 statement about one subject. The predicate
// is a JSON object.
func newStatement(subject Subject, predicateType string, predicate []byte) (*intoto.Statement, error) {
	fields := &structpb.Struct{}
	if err := protojson.Unmarshal(predicate, fields); err != nil {
		return nil, fmt.Errorf("encode predicate %s: %w", predicateType, err)
	}
	statement := &intoto.Statement{
		Type: intoto.StatementTypeUri,
		Subject: []*intoto.ResourceDescriptor{{
			Name: subject.Name, Digest: map[string]string{"sha256": string(subject.Digest)},
		}},
		PredicateType: predicateType,
		Predicate:     fields,
	}
	if subject.Name == "" || !subject.Digest.valid() {
		return nil, fmt.Errorf("subject %q has no name or no SHA-256 digest", subject.Name)
	}
	if err := statement.Validate(); err != nil {
		return nil, fmt.Errorf("validate statement: %w", err)
	}
	return statement, nil
}

// encodeStatement returns a statement as JSON with sorted keys and no space.
// protojson alone varies its spaces from build to build on purpose.
func encodeStatement(statement *intoto.Statement) ([]byte, error) {
	varying, err := protojson.Marshal(statement)
	if err != nil {
		return nil, fmt.Errorf("encode statement: %w", err)
	}
	var document any
	decoder := json.NewDecoder(bytes.NewReader(varying))
	decoder.UseNumber()
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("encode statement: %w", err)
	}
	var payload bytes.Buffer
	encoder := json.NewEncoder(&payload)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("encode statement: %w", err)
	}
	return bytes.TrimSuffix(payload.Bytes(), []byte("\n")), checkJSON(payload.Bytes(), maxTokens)
}

// decodeStatement is strict: keys that are unknown or there twice are refused.
func decodeStatement(payload []byte) (*intoto.Statement, error) {
	if err := checkJSON(payload, maxTokens); err != nil {
		return nil, err
	}
	statement := &intoto.Statement{}
	if err := protojson.Unmarshal(payload, statement); err != nil {
		return nil, fmt.Errorf("decode statement: %w", err)
	}
	if err := statement.Validate(); err != nil {
		return nil, fmt.Errorf("validate statement: %w", err)
	}
	return statement, nil
}

func newCheckStatement(subject Subject, check Check) (*intoto.Statement, error) {
	predicate, err := json.Marshal(check)
	if err != nil {
		return nil, fmt.Errorf("encode check: %w", err)
	}
	return newStatement(subject, CheckType, predicate)
}

// readCheck returns the subject and the predicate of a check's statement. The
// statement must hold them and nothing else.
func readCheck(statement *intoto.Statement) (Subject, Check, error) {
	descriptor := statement.GetSubject()[0]
	subject := Subject{Name: descriptor.GetName(), Digest: Digest(descriptor.GetDigest()["sha256"])}
	predicate, err := protojson.Marshal(statement.GetPredicate())
	if err != nil {
		return Subject{}, Check{}, fmt.Errorf("read predicate: %w", err)
	}
	var check Check
	decoder := json.NewDecoder(bytes.NewReader(predicate))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&check); err != nil {
		return Subject{}, Check{}, fmt.Errorf("read predicate: %w", err)
	}
	if err := check.validate(); err != nil {
		return Subject{}, Check{}, err
	}
	again, err := newCheckStatement(subject, check)
	if err != nil {
		return Subject{}, Check{}, err
	}
	// encoding/json takes "Verdicts" for "verdicts"; two readers of one
	// statement must not see two things.
	if !proto.Equal(again, statement) {
		return Subject{}, Check{}, errors.New("the statement says more, or says it otherwise, than a check does")
	}
	return subject, check, nil
}

// checkJSON bounds what decoding a document can cost before it is decoded: a
// few bytes of JSON become hundreds in memory. The decoders bound its depth.
func checkJSON(document []byte, tokens int) error {
	decoder := json.NewDecoder(bytes.NewReader(document))
	for ; tokens > 0; tokens-- {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read JSON: %w", err)
		}
	}
	return errors.New("read JSON: too many values")
}
