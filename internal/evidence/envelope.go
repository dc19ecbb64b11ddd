package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// payloadType is DSSE's for in-toto statements.
const payloadType = "application/vnd.in-toto+json"

// maxEnvelopeTokens is above the 15 tokens that an envelope has.
const maxEnvelopeTokens = 32

// seal signs a payload: ed25519 over DSSE's pre-authentication encoding.
func seal(key Key, payload []byte) ([]byte, error) {
	return encodeEnvelope(payload, key.Public(), key.sign(dsse.PAE(payloadType, payload)))
}

// encodeEnvelope writes the one form of an envelope that unseal accepts.
func encodeEnvelope(payload []byte, signer PublicKey, signature []byte) ([]byte, error) {
	data, err := json.Marshal(dsse.Envelope{
		PayloadType: payloadType,
		Payload:     base64.StdEncoding.EncodeToString(payload),
		Signatures:  []dsse.Signature{{KeyID: signer.ID(), Sig: base64.StdEncoding.EncodeToString(signature)}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	if len(data) > maxEnvelope {
		return nil, fmt.Errorf("encode envelope: %d bytes, more than %d", len(data), maxEnvelope)
	}
	return data, nil
}

// unseal returns the payload of an envelope that the signer's key verifies and
// that is written in the one form of encodeEnvelope.
func unseal(data []byte, signer PublicKey) ([]byte, error) {
	if err := checkJSON(data, maxEnvelopeTokens); err != nil {
		return nil, err
	}
	var envelope dsse.Envelope
	if err := json.Unmarshal(data, &envelope); err != nil {
		return nil, fmt.Errorf("decode envelope: %w", err)
	}
	if len(envelope.Signatures) != 1 {
		return nil, fmt.Errorf("envelope has %d signatures, want one", len(envelope.Signatures))
	}
	// Strict refuses trailing bits that are not zero; line feeds, which it
	// skips, do not survive the comparison below.
	strict := base64.StdEncoding.Strict()
	payload, err := strict.DecodeString(envelope.Payload)
	if err != nil {
		return nil, fmt.Errorf("decode payload: %w", err)
	}
	signature, err := strict.DecodeString(envelope.Signatures[0].Sig)
	if err != nil {
		return nil, fmt.Errorf("decode signature: %w", err)
	}
	again, err := encodeEnvelope(payload, signer, signature)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, errors.New("envelope is not in its one form, or names another key")
	}
	if !signer.verifies(dsse.PAE(payloadType, payload), signature) {
		return nil, errors.New("the signature does not fit the payload")
	}
	return payload, nil
}
