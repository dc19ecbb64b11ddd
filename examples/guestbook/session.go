package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

// Sessions keeps the name of a guest in a signed cookie, so that every process
// with the same secret knows it.
type Sessions struct{ Secret string }

const cookieName = "guest"

// Name returns the guest's name; "" where there is none or the signature is not ours.
func (s Sessions) Name(r *http.Request) string {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	value, signature, _ := strings.Cut(cookie.Value, ".")
	if !hmac.Equal([]byte(signature), []byte(s.signature(value))) {
		return ""
	}
	name, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return ""
	}
	return string(name)
}

// SetName makes the browser remember a name for a year.
func (s Sessions) SetName(w http.ResponseWriter, r *http.Request, name string) {
	value := base64.RawURLEncoding.EncodeToString([]byte(name))
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value + "." + s.signature(value), Path: "/", MaxAge: 365 * 24 * 60 * 60,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.Header.Get("X-Forwarded-Proto") == "https",
	})
}

func (s Sessions) signature(value string) string {
	mac := hmac.New(sha256.New, []byte(s.Secret))
	mac.Write([]byte(cookieName + "=" + value))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
