// Sdk is a program of package app that can fail.
package main

import (
	"errors"
	"net/http"

	"github.com/roadworthy-dev/roadworthy/app"
)

func main() {
	app.Main("shop", nil, func(a *app.App) (http.Handler, error) {
		mux := http.NewServeMux()
		mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
		mux.HandleFunc("/fault", func(_ http.ResponseWriter, r *http.Request) {
			a.Log.ErrorContext(r.Context(), "without a stack trace it is not mailed")
			a.Report(r.Context(), errors.New("no ink"))
		})
		return mux, nil
	})
}
